// swift-tools-version: 6.2
// What plugin authors need, and nothing of the gateway: the C contract, the Swift SDK on top of it, and a host for unit tests.
import PackageDescription

let settings: [SwiftSetting] = [.swiftLanguageMode(.v6)]

let package = Package(
    name: "SDK",
    products: [
        .library(name: "CSluiceABI", targets: ["CSluiceABI"]),
        // Linked statically into each plugin: two generations never share its code or types.
        .library(name: "SluicePlugin", type: .static, targets: ["SluicePlugin"]),
        // A plugin's unit tests run against this host, with no gateway. Never linked into a plugin.
        .library(name: "SluicePluginTesting", type: .static, targets: ["SluicePluginTesting"]),
    ],
    targets: [
        .target(name: "CSluiceABI"),
        .target(name: "CSluiceSwift", dependencies: ["CSluiceABI"]),
        .target(name: "SluicePlugin", dependencies: ["CSluiceABI", "CSluiceSwift"], swiftSettings: settings),
        .target(name: "SluicePluginTesting", dependencies: ["SluicePlugin", "CSluiceABI"], swiftSettings: settings),
        .testTarget(name: "SluicePluginTests", dependencies: ["SluicePlugin", "SluicePluginTesting"], swiftSettings: settings),
    ]
)
