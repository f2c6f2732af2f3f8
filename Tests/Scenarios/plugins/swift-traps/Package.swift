// swift-tools-version: 6.2
// A Swift plugin that traps on demand, for test_crashes.py.
import PackageDescription

let package = Package(
    name: "swift-traps",
    products: [.library(name: "swift-traps", type: .dynamic, targets: ["SwiftTraps"])],
    dependencies: [.package(name: "SDK", path: "../../../../SDK")],
    targets: [
        .target(
            name: "SwiftTraps", dependencies: [.product(name: "SluicePlugin", package: "SDK")],
            swiftSettings: [.enableExperimentalFeature("CompileTimeValues"), .enableUpcomingFeature("NonisolatedNonsendingByDefault")])
    ]
)
