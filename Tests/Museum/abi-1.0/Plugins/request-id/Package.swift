// swift-tools-version: 6.2
// The request-id plugin: Swift code, and one C file with the entry and the manifest.
import PackageDescription

let package = Package(
    name: "request-id",
    products: [.library(name: "request-id", type: .dynamic, targets: ["RequestID", "RequestIDEntry"])],
    dependencies: [.package(name: "SDK", path: "../../SDK")],
    targets: [
        .target(
            name: "RequestID", dependencies: [.product(name: "SluicePlugin", package: "SDK")], swiftSettings: [.swiftLanguageMode(.v6)]),
        .target(name: "RequestIDEntry", dependencies: [.product(name: "CSluiceABI", package: "SDK")]),
    ]
)
