// swift-tools-version: 6.2
// What plugin authors need, and nothing of the gateway: the C contract, the Swift SDK on top of it, and a host for unit tests.
import PackageDescription

/// Asynchronous code stays where it was called: everything runs on the worker's loop, and a hop costs more than most calls.
let settings: [SwiftSetting] = [.swiftLanguageMode(.v6), .enableUpcomingFeature("NonisolatedNonsendingByDefault")]
/// What runs inside hooks checks exclusivity when it is compiled, not on every access: a call of the SDK is a few nanoseconds.
let fast = settings + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

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
        .target(name: "SluicePlugin", dependencies: ["CSluiceABI", "CSluiceSwift"], swiftSettings: fast),
        .target(name: "SluicePluginTesting", dependencies: ["SluicePlugin", "CSluiceABI", "CSluiceFakeCrypto"], swiftSettings: settings),
        // sluice.crypto/1 of the fake hosts, by OpenSSL (libssl-dev). Its files but table.c are links to the gateway's own.
        .target(
            name: "CSluiceFakeCrypto", dependencies: ["CSluiceABI"], path: "Fake/crypto", linkerSettings: [.linkedLibrary("crypto")]),
        // What a hook costs (`swift run -c release --package-path SDK sluice-swift-bench`); no product.
        .executableTarget(
            name: "sluice-swift-bench", dependencies: ["SluicePlugin", "CSluiceABI", "CSluiceSwift"], path: "Tests/Bench",
            swiftSettings: settings),
        .testTarget(name: "SluicePluginTests", dependencies: ["SluicePlugin", "SluicePluginTesting"], swiftSettings: settings),
    ]
)
