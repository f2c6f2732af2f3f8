// swift-tools-version: 6.2
// The house in targets: floors as in Sources/README.md, arrows only go down (`make tidy` checks).
import PackageDescription

/// Data-plane settings: no dynamic exclusivity checks in release (fibers park inside accesses; see docs/decisions).
let fast: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableExperimentalFeature("Lifetimes"),
    .unsafeFlags(["-enforce-exclusivity=unchecked", "-cross-module-optimization"], .when(configuration: .release)),
]
let plain: [SwiftSetting] = [.swiftLanguageMode(.v6)]

func room(_ name: String, _ deps: [Target.Dependency], _ settings: [SwiftSetting] = fast) -> Target {
    .target(name: name, dependencies: deps, swiftSettings: settings)
}
func tests(_ name: String, _ deps: [Target.Dependency]) -> Target {
    .testTarget(name: name + "Tests", dependencies: deps, path: "Tests/" + name, swiftSettings: plain)
}
/// Where an installed binary finds the Swift runtime that `make install` puts beside it.
let runtimePath: [LinkerSetting] = [.unsafeFlags(["-Xlinker", "-rpath", "-Xlinker", "$ORIGIN/../lib/sluice"])]

let package = Package(
    name: "sluice",
    products: [
        .executable(name: "sluiced", targets: ["sluiced"]),
        .executable(name: "sluice", targets: ["sluice"]),
    ],
    dependencies: [
        .package(path: "SDK"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    ],
    targets: [
        // 7 roof
        .executableTarget(name: "sluiced", dependencies: ["SluiceMaster", "SluiceWorker", "SluiceSystem"], swiftSettings: fast, linkerSettings: runtimePath),
        .executableTarget(name: "sluice", dependencies: ["SluiceControl"], swiftSettings: plain, linkerSettings: runtimePath),
        // 6 processes
        room("SluiceMaster", ["SluiceSystem", "SluiceChannel", "SluiceShared", "SluiceModel", "SluiceRules", "SluiceObserve", "SluiceBytes"]),
        room("SluiceWorker", ["SluicePipeline", "SluiceRouter", "SluiceUpstream", "SluicePlugins", "SluiceObserve", "SluiceHTTP", "SluiceRules", "SluiceCEL", "SluiceLoop", "SluiceChannel", "SluiceShared", "SluiceModel", "SluiceBytes", "SluiceSystem"]),
        room("SluiceControl", ["SluiceStore", "SluiceRouter", "SluiceChannel", "SluiceShared", "SluiceRules", "SluiceCEL", "SluiceModel", "SluiceBytes", "SluiceSystem", "SluiceInspect", "CSluiceCrypto",
            .product(name: "Hummingbird", package: "hummingbird"), .product(name: "HummingbirdTLS", package: "hummingbird"),
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
            .product(name: "Yams", package: "Yams"),
            .product(name: "Logging", package: "swift-log")], plain),
        // 5
        room("SluiceStore", ["SluiceModel", .product(name: "GRDB", package: "GRDB.swift")], plain),
        room("SluicePipeline", ["CSluiceRegex", "SluiceRouter", "SluiceUpstream", "SluicePlugins", "SluiceObserve", "SluiceHTTP", "SluiceRules", "SluiceCEL", "SluiceLoop", "SluiceShared", "SluiceModel", "SluiceBytes", "SluiceSystem"]),
        // 4 organs
        room("SluiceRouter", ["SluiceRules", "SluiceCEL", "SluiceModel", "SluiceBytes"]),
        room("SluiceUpstream", ["SluiceHTTP", "SluiceRules", "SluiceLoop", "SluiceShared", "SluiceModel", "SluiceBytes", "SluiceSystem"]),
        room("SluiceObserve", ["SluiceShared", "SluiceModel", "SluiceBytes", "SluiceSystem", "CSluiceSys"]),
        room("SluicePlugins", [.product(name: "CSluiceABI", package: "SDK"), "CSluiceCrypto", "SluiceInspect", "SluiceRules", "SluiceHTTP", "SluiceLoop", "SluiceShared", "SluiceModel", "SluiceBytes", "SluiceSystem"]),
        // 3 speech
        room("SluiceHTTP", ["SluiceBytes", "CSluiceSys"]),
        room("SluiceRules", ["SluiceCEL", "SluiceModel", "SluiceBytes", "CSluiceFFI", "CSluiceRegex"]),
        // 2 motion
        room("SluiceCEL", ["SluiceModel", "SluiceBytes", "CSluiceRegex"]),
        room("SluiceLoop", ["SluiceSystem", "SluiceBytes", "CSluiceAres"]),
        room("SluiceChannel", ["SluiceSystem", "SluiceModel", "SluiceBytes"]),
        room("SluiceShared", ["SluiceSystem", "SluiceBytes", "CSluiceSys", "CSluiceFault"]),
        room("SluiceInspect", ["SluiceModel", "SluiceBytes", "CSluiceCrypto", "CSluiceSys"]),
        // 1 matter
        room("SluiceModel", []),
        room("SluiceBytes", ["CSluiceSys"]),
        room("SluiceSystem", ["CSluiceSys"]),
        // 0 ground
        .target(name: "CSluiceSys"),
        .target(name: "CSluiceFault"),
        .target(name: "CSluiceCrypto", linkerSettings: [.linkedLibrary("crypto")]),
        .target(name: "CSluiceAres", linkerSettings: [.linkedLibrary("cares")]),
        .target(name: "CSluiceFFI", linkerSettings: [.linkedLibrary("ffi")]),
        .target(name: "CSluiceRegex", cxxSettings: [.unsafeFlags(["-std=c++17"])], linkerSettings: [.linkedLibrary("re2"), .linkedLibrary("hs")]),
        // tests
        tests("SluiceCEL", ["SluiceCEL", "SluiceModel", "SluiceBytes"]),
        tests("SluiceStore", ["SluiceStore", "SluiceModel"]),
        tests("SluiceBytes", ["SluiceBytes"]),
        tests("SluiceLoop", ["SluiceLoop"]),
        tests("SluiceUpstream", ["SluiceUpstream", "SluiceRules", "SluiceHTTP"]),
        tests("SluicePipeline", ["SluicePipeline", "SluiceRules", "SluiceModel", "SluiceBytes"]),
        tests("SluiceHTTP", ["SluiceHTTP", "SluiceBytes", "SluiceModel"]),
        tests("SluiceControl", ["SluiceControl", "SluiceStore", "SluiceRules", "SluiceCEL", "SluiceModel"]),
        tests("SluiceModel", ["SluiceModel"]),
        tests("SluiceRules", ["SluiceRules", "SluiceCEL", "SluiceModel", "SluiceBytes", "SluiceHTTP"]),
        tests("SluiceRouter", ["SluiceRouter", "SluiceRules", "SluiceCEL", "SluiceModel", "SluiceBytes", "CSluiceRegex"]),
        tests("SluiceInspect", ["SluiceInspect"]),
        tests("SluicePlugins", ["SluicePlugins", "CSluiceCrypto", "SluiceInspect", "SluiceRules", "SluiceHTTP", "SluiceShared", "SluiceModel", "SluiceBytes", .product(name: "CSluiceABI", package: "SDK")]),
        tests("SluiceSystem", ["SluiceSystem"]),
        tests("SluiceChannel", ["SluiceChannel", "SluiceSystem"]),
        tests("SluiceShared", ["SluiceShared", "SluiceSystem"]),
        tests("SluiceObserve", ["SluiceObserve", "SluiceShared", "SluiceModel", "SluiceBytes", "SluiceSystem"]),
        tests("SluiceMaster", ["SluiceMaster", "SluiceChannel", "SluiceRules", "SluiceModel", "SluiceSystem", "SluiceShared", "sluiced"]),
    ]
)

// Figures of single parts; only `make bench-micro` says that it is wanted, so that nothing else builds it.
if Context.environment["SLUICE_MICROBENCH"] != nil {
    package.targets.append(.executableTarget(name: "sluice-microbench", dependencies: ["SluicePlugins", "SluiceRouter", "SluiceRules", "SluiceCEL", "SluiceHTTP", "SluiceShared", "SluiceModel", "SluiceBytes", "SluiceSystem"], path: "Tests/Bench/Micro", swiftSettings: fast))
}

// What `make sanitize` runs: the plugin host and what it stands on, instrumented; without the targets whose dependencies take minutes.
if Context.environment["SLUICE_SANITIZE"] != nil {
    let wanted: Set = [
        "SluicePlugins", "SluiceRules", "SluiceHTTP", "SluiceLoop", "SluiceInspect", "SluiceShared", "SluiceModel", "SluiceBytes",
        "SluiceSystem", "CSluiceSys",
        "CSluiceFault", "CSluiceCrypto", "CSluiceAres", "CSluiceFFI", "CSluiceRegex", "SluiceCEL", "SluiceCELTests", "SluicePluginsTests", "SluiceLoopTests",
    ]
    package.targets.removeAll { !wanted.contains($0.name) }
    package.products = []
    package.dependencies.removeAll { if case .fileSystem = $0.kind { false } else { true } }
}

// The data plane alone: what `sluiced` links, with its unit tests, in a minute (`SLUICE_DATA_PLANE=1 swift test --scratch-path .build-data`).
if Context.environment["SLUICE_DATA_PLANE"] != nil {
    let tower: Set = ["SluiceControl", "SluiceStore", "sluice", "SluiceControlTests", "SluiceStoreTests"]
    package.targets.removeAll { tower.contains($0.name) }
    package.products.removeAll { $0.name == "sluice" }
    package.dependencies.removeAll { if case .fileSystem = $0.kind { false } else { true } }
}
