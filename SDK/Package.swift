// swift-tools-version: 6.2
// What plugin authors need, and nothing of the gateway: the C contract and the Swift SDK on top of it.
import PackageDescription

let package = Package(
    name: "SDK",
    products: [.library(name: "CSluiceABI", targets: ["CSluiceABI"])],
    targets: [.target(name: "CSluiceABI")]
)
