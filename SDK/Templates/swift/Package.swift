// swift-tools-version: 6.2
// One plugin. Build it with `sluice plugin build`, or: swift build -c release -Xlinker --version-script=<SDK>/sluice-plugin.map
import PackageDescription

/// Where the SDK is: PREFIX/share/sluice/sdk of an installed Sluice, or SLUICE_SDK.
let sdk = Context.environment["SLUICE_SDK"] ?? "../.."
/// `sluice plugin build` sets a digest of the sources, so that two generations in one worker never share type names.
let module = "Hello" + (Context.environment["SLUICE_MODULE_SUFFIX"] ?? "")

let package = Package(
    name: "hello",
    products: [.library(name: "hello", type: .dynamic, targets: [module])],
    dependencies: [.package(name: "SDK", path: sdk)],
    targets: [
        .target(
            name: module, dependencies: [.product(name: "SluicePlugin", package: "SDK")], path: "Sources/Hello",
            // The manifest is a constant; asynchronous code stays on the loop without a hop.
            swiftSettings: [.enableExperimentalFeature("CompileTimeValues"), .enableUpcomingFeature("NonisolatedNonsendingByDefault")]),
        .testTarget(
            name: "HelloTests", dependencies: [.byName(name: module), .product(name: "SluicePluginTesting", package: "SDK")],
            path: "Tests/HelloTests"),
    ]
)
