// swift-tools-version: 6.2
// A Swift plugin whose hooks wait, for test_swift_waiting.py.
import PackageDescription

let package = Package(
    name: "swift-waits",
    products: [.library(name: "swift-waits", type: .dynamic, targets: ["Waits"])],
    dependencies: [.package(name: "SDK", path: "../../../../SDK")],
    targets: [
        .target(
            name: "Waits", dependencies: [.product(name: "SluicePlugin", package: "SDK")],
            swiftSettings: [.enableExperimentalFeature("CompileTimeValues"), .enableUpcomingFeature("NonisolatedNonsendingByDefault")])
    ]
)
