// swift-tools-version: 6.2
// The smallest plugin in Swift. Build: swift build -c release -Xlinker --version-script=<SDK>/sluice-plugin.map
import PackageDescription

let package = Package(
    name: "hello",
    products: [.library(name: "hello", type: .dynamic, targets: ["Hello", "HelloEntry"])],
    dependencies: [.package(name: "SDK", path: "../..")],  // where the SDK is installed: PREFIX/share/sluice/SDK
    targets: [
        .target(name: "Hello", dependencies: [.product(name: "SluicePlugin", package: "SDK")], swiftSettings: [.swiftLanguageMode(.v6)]),
        .target(name: "HelloEntry", dependencies: [.product(name: "CSluiceABI", package: "SDK")]),
    ]
)
