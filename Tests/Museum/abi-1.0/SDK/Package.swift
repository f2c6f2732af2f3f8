// swift-tools-version: 6.2
// What plugin authors need, and nothing of the gateway: the C contract and the Swift SDK on top of it.
import PackageDescription

let package = Package(
    name: "SDK",
    products: [
        .library(name: "CSluiceABI", targets: ["CSluiceABI"]),
        // Linked statically into each plugin: two generations never share its code or types.
        .library(name: "SluicePlugin", type: .static, targets: ["SluicePlugin"]),
    ],
    targets: [
        .target(name: "CSluiceABI"),
        .target(name: "SluicePlugin", dependencies: ["CSluiceABI"], swiftSettings: [.swiftLanguageMode(.v6)]),
    ]
)
