import Foundation
import Testing
import Verdant

/// Images of CIFAR-10's binary form.
@Suite struct ImageTests {
  /// Images whose class is the half that is bright: left or right.
  private func images(_ count: Int, seed: UInt64, classes: Int = 2) -> [UInt8] {
    let random = RandomSource(seed: seed)
    var bytes: [UInt8] = []
    for image in 0..<count {
      let label = image % classes
      bytes.append(UInt8(label))
      for place in 0..<3072 {
        let isBright = (place % 32 < 16) == (label == 0)
        let noise = random.stream(image).uniform(at: UInt64(place)) * 60
        bytes.append(UInt8(noise) + (isBright ? 150 : 40))
      }
    }
    return bytes
  }

  private func recipe(_ folder: String) -> Recipe {
    smallRecipe(folder + "/data") {
      $0.data.records = .image
      $0.model.architecture = .encoder
      $0.model.context = 17
      $0.model.patch = 8
      $0.model.layers = 1
      $0.objective.pooling = .first
      $0.training.batch = 8
      $0.training.steps = 30
    }
  }

  private func withImages(_ body: (String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      try makeFolder(folder + "/data")
      try put(images(40, seed: 1), folder + "/data/data_batch_1.bin")
      try put(images(20, seed: 2), folder + "/data/data_batch_2.bin")
      try put(Array("left\nright\n\n".utf8), folder + "/data/batches.meta.txt")
      try body(folder)
    }
  }

  @Test func learnsByRecipe() throws {
    try withImages { folder in
      let recipe = recipe(folder)
      var trainer = try Trainer(recipe)
      #expect(trainer.labels == ["left", "right"])
      #expect(trainer.model.config.input == .patches && trainer.start.trainingTokens == 54 * 16)
      let run = try RunFolder(folder + "/run", trainer)
      let result = try trainer.run { _ in .proceed }
      try run.finish(trainer.model, result)
      let read = try ModelFolder(folder + "/run/model")
      let evaluation = try Evaluation(read, [folder + "/data/data_batch_2.bin"], batch: 7)
      #expect(evaluation.accuracy == 1 && evaluation.tokenCount == 20)
      #expect(read.labels == ["left", "right"])
    }
  }

  @Test func rowsArePixels() throws {
    try withImages { folder in
      let read = try LabeledImages([folder + "/data/data_batch_1.bin"])
      let patches = PatchConfig(height: 32, width: 32, channels: 3, size: 16)
      let source = ImageBatches(read, patches, RandomSource(seed: 1))
      let rows = source.rows(from: 0, count: 40)
      #expect(rows.count == 40 && rows.length == 4 && rows.numbers.count == 40 * 3072)
      #expect(rows.targets.sorted() == read.labels.sorted())
      // The first patch of an image is its left upper quarter.
      for row in 0..<40 {
        let mean = rows.numbers[row * 3072..<row * 3072 + 768].reduce(0, +) / 768
        #expect((mean > 0) == (rows.targets[row] == 0))
      }
      let parts = (0..<40).flatMap { source.rows(from: $0, count: 1).numbers }
      #expect(parts == rows.numbers)
      // From behind the sides change: half of them, others in another epoch.
      let flipped = ImageBatches(read, patches, flips: true, RandomSource(seed: 1))
      func sides(_ epoch: Int) -> Int {
        let rows = flipped.rows(from: epoch * 40, count: 40)
        return (0..<40).count { row in
          let mean = rows.numbers[row * 3072..<row * 3072 + 768].reduce(0, +) / 768
          return (mean > 0) != (rows.targets[row] == 0)
        }
      }
      #expect((8...32).contains(sides(0)) && (8...32).contains(sides(1)))
    }
  }

  @Test func filesThatAreNone() throws {
    try withImages { folder in
      func what(_ name: String, _ bytes: [UInt8]) throws -> String? {
        let path = folder + "/data/" + name
        try put(bytes, path)
        let error = #expect(throws: DataError.self) { try LabeledImages([path]) }
        #expect(error?.report.file == path)
        return error?.report.what
      }
      #expect(try what("short.bin", Array(images(1, seed: 1).dropLast())) == "a file of 3072 bytes")
      #expect(try what("empty.bin", []) == "a file of 0 bytes")
      #expect(try what("third.bin", images(3, seed: 1, classes: 3)) == "the class 2")
      try put(Array("one\n".utf8), folder + "/data/batches.meta.txt")
      let names = #expect(throws: DataError.self) {
        try LabeledImages([folder + "/data/data_batch_1.bin"])
      }
      #expect(names?.report.file?.hasSuffix("batches.meta.txt") == true)
      #expect(throws: DataError.self) { try LabeledImages([folder + "/nowhere"]) }
    }
  }

  @Test func sizesThatDoNotFit() throws {
    try withImages { folder in
      func place(_ change: (inout Recipe) -> Void) -> String? {
        var recipe = recipe(folder)
        change(&recipe)
        let error = #expect(throws: ConfigError.self) { try recipe.check() }
        return error?.report.place
      }
      #expect(place { $0.model.patch = 5 } == "model.patch")
      #expect(place { $0.model.context = 16 } == "model.context")
      #expect(place { $0.model.architecture = .decoder } == "model.architecture")
    }
  }
}
