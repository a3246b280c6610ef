// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "verdant-benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "verdant", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
  ],
  targets: [
    .executableTarget(
      name: "VerdantBench",
      dependencies: [
        .product(name: "Verdant", package: "verdant"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources",
      exclude: ["Report/Tests"],
      swiftSettings: [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
      ]
    )
  ],
  swiftLanguageModes: [.v6]
)
