// swift-tools-version: 6.2
import PackageDescription

let swiftSettings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

/// A library target of the ladder; it imports only targets that stand before it.
func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, exclude: exclude, swiftSettings: swiftSettings)
}

let package = Package(
  name: "verdant",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Verdant", targets: ["Verdant"]),
    .executable(name: "verdant", targets: ["VerdantCLI"]),
  ],
  traits: [
    .trait(
      name: "OneDNN",
      description: "Matrix products by oneDNN on Linux (Debian package libdnnl-dev)."
    ),
    .default(enabledTraits: ["OneDNN"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .target(
      name: "CVerdant",
      cSettings: [
        .define("VERDANT_ONEDNN", .when(platforms: [.linux], traits: ["OneDNN"]))
      ],
      linkerSettings: [
        .linkedLibrary("dnnl", .when(platforms: [.linux], traits: ["OneDNN"])),
        .linkedLibrary("m", .when(platforms: [.linux])),
        .linkedLibrary("dl", .when(platforms: [.linux])),
      ]
    ),
    library("VerdantBase", []),
    library("VerdantCore", ["CVerdant", "VerdantBase"]),
    library("VerdantText", ["VerdantBase"]),
    library("VerdantIO", ["CVerdant", "VerdantCore", "VerdantBase"]),
    library("VerdantNN", ["VerdantCore", "VerdantBase"]),
    library(
      "VerdantModels",
      ["VerdantNN", "VerdantIO", "VerdantText", "VerdantCore", "VerdantBase"]
    ),
    library(
      "VerdantTrain",
      [
        "VerdantModels", "VerdantNN", "VerdantIO", "VerdantText", "VerdantCore", "VerdantBase",
        .product(name: "Yams", package: "Yams"),
      ]
    ),
    library(
      "Verdant",
      [
        "VerdantTrain", "VerdantModels", "VerdantNN", "VerdantIO", "VerdantText", "VerdantCore",
        "VerdantBase",
      ]
    ),
    .executableTarget(
      name: "VerdantCLI",
      dependencies: [
        "Verdant", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: swiftSettings
    ),
    .executableTarget(
      name: "TrainGPT",
      dependencies: ["Verdant"],
      path: "Examples/TrainGPT",
      swiftSettings: swiftSettings
    ),
    .target(
      name: "VerdantTestKit",
      dependencies: ["Verdant"],
      path: "Tests/Support/VerdantTestKit",
      swiftSettings: swiftSettings
    ),
    tests("VerdantBaseTests", ["VerdantBase"]),
    tests("VerdantIOTests", ["VerdantIO", "VerdantBase"], exclude: ["Golden"]),
    tests("VerdantCoreTests", ["Verdant", "VerdantTestKit"]),
    tests("VerdantNNTests", ["Verdant", "VerdantTestKit"]),
    tests("VerdantTextTests", ["Verdant", "VerdantTestKit"], exclude: ["Golden"]),
    tests("VerdantModelsTests", ["Verdant", "VerdantTestKit"]),
    tests("VerdantTrainTests", ["Verdant", "VerdantTestKit"]),
    tests("VerdantCLITests", ["Verdant", "VerdantTestKit"]),
    // The benchmarks are a package of their own; what reads results and writes the page is tested here.
    .testTarget(
      name: "BenchmarkReportTests",
      dependencies: ["Verdant"],
      path: "Benchmarks/Sources/Report",
      swiftSettings: swiftSettings
    ),
  ],
  swiftLanguageModes: [.v6]
)
