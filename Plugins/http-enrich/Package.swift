// swift-tools-version: 6.2
// The http-enrich plugin. Its manual is in README.md, its code in Sources; `make -C Plugins` builds it.
import PackageDescription

/// The build sets a digest of the sources, so that two generations in one worker never share type names.
let module = "HTTPEnrich" + (Context.environment["SLUICE_MODULE_SUFFIX"] ?? "")

let package = Package(
    name: "http-enrich",
    products: [.library(name: "http-enrich", type: .dynamic, targets: [module])],
    dependencies: [.package(name: "SDK", path: "../../SDK")],
    targets: [
        .target(
            name: module, dependencies: [.product(name: "SluicePlugin", package: "SDK")], path: "Sources/HTTPEnrich",
            swiftSettings: [.swiftLanguageMode(.v6), .enableExperimentalFeature("CompileTimeValues")])
    ]
)
