// swift-tools-version: 6.2
// The request-id plugin: one target of Swift code on the SDK; `make -C Plugins request-id` builds it.
import PackageDescription

/// The build sets a digest of the sources, so that two generations in one worker never share type names.
let module = "RequestID" + (Context.environment["SLUICE_MODULE_SUFFIX"] ?? "")

let package = Package(
    name: "request-id",
    products: [.library(name: "request-id", type: .dynamic, targets: [module])],
    dependencies: [.package(name: "SDK", path: "../../SDK")],
    targets: [
        .target(
            name: module, dependencies: [.product(name: "SluicePlugin", package: "SDK")], path: "Sources/RequestID",
            swiftSettings: [.swiftLanguageMode(.v6), .enableExperimentalFeature("CompileTimeValues")])
    ]
)
