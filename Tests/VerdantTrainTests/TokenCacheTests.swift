import Foundation
import Testing
import Verdant

@Suite struct TokenCacheTests {
  private func run(_ recipe: Recipe) throws -> (bits: [[UInt32]], trainer: Trainer) {
    var trainer = try Trainer(recipe)
    _ = try trainer.run { _ in .proceed }
    return (trainer.model.bits, trainer)
  }

  private func files(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  private func changed(_ path: String) throws -> Date {
    let values = try FileManager.default.attributesOfItem(atPath: path)
    return try #require(values[.modificationDate] as? Date)
  }

  @Test func laterRunsReadTheSameTokens() throws {
    try withTemporaryFolder { folder in
      try put(sampleText.utf8, folder + "/a.txt")
      try put("{\"text\": \"one\"}\n{\"text\": \"two\"}\n".utf8, folder + "/b.jsonl")
      var recipe = smallRecipe(folder + "/a.txt") {
        $0.data.train.append(folder + "/b.jsonl")
        $0.training.steps = 3
      }
      let plain = try run(recipe)
      recipe.data.cache = folder + "/cache"
      let first = try run(recipe)
      let kept = try files(folder + "/cache")
      #expect(kept.count == 1 && kept[0].hasSuffix(".tokens"))
      let path = folder + "/cache/" + kept[0]
      let bytes = try read(path)
      #expect(bytes.starts(with: Array("VDTOKENS".utf8)))
      let date = try changed(path)
      let second = try run(recipe)
      for result in [first, second] {
        #expect(result.bits == plain.bits)
        #expect(result.trainer.start.trainingTokens == plain.trainer.start.trainingTokens)
        #expect(result.trainer.start.validationTokens == plain.trainer.start.validationTokens)
        #expect(try result.trainer.training.fingerprint() == plain.trainer.training.fingerprint())
        #expect(result.trainer.training.byteCount == plain.trainer.training.byteCount)
        #expect(result.trainer.documents.files == plain.trainer.documents.files)
      }
      #expect(try changed(path) == date && read(path) == bytes)
      // Nothing of the text is read: it may be unreadable as long as it looks the same.
      #expect(try files(folder + "/cache") == kept)
    }
  }

  @Test func changedTextIsReadAgain() throws {
    try withTemporaryFolder { folder in
      let text = folder + "/a.txt"
      try put(sampleText.utf8, text)
      let recipe = smallRecipe(text) {
        $0.data.cache = folder + "/cache"
        $0.data.validationFraction = 0
      }
      let before = try Trainer(recipe).training.fingerprint()
      try put((sampleText + "more").utf8, text)
      #expect(try Trainer(recipe).training.fingerprint() != before)
      // The same length and the same time, but another first byte.
      let date = try changed(text)
      let longer = try Trainer(recipe).training.fingerprint()
      try put(("X" + sampleText.dropFirst() + "more").utf8, text)
      try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: text)
      #expect(try Trainer(recipe).training.fingerprint() != longer)
      #expect(try files(folder + "/cache").count == 1)
    }
  }

  @Test func otherReadingsHaveOtherFiles() throws {
    try withTemporaryFolder { folder in
      try put(sampleText.utf8, folder + "/a.txt")
      let changes: [(inout Recipe) -> Void] = [
        { _ in }, { $0.training.seed = 2 }, { $0.data.validationFraction = 0 },
        { $0.data.encoding = .bytes }, { $0.data.validationFraction = 0.2 },
      ]
      for (index, change) in changes.enumerated() {
        let recipe = smallRecipe(folder + "/a.txt") {
          change(&$0)
          $0.data.cache = folder + "/cache"
        }
        _ = try Trainer(recipe)
        #expect(try files(folder + "/cache").count == index + 1)
      }
      // Without a part set aside the seed makes no difference; nor does what is no reading.
      let further: [(inout Recipe) -> Void] = [
        {
          $0.data.validationFraction = 0; $0.training.seed = 5
        }, { $0.training.batch = 2 }, { $0.model.context = 8 },
      ]
      for change in further {
        let recipe = smallRecipe(folder + "/a.txt") {
          change(&$0)
          $0.data.cache = folder + "/cache"
        }
        _ = try Trainer(recipe)
      }
      #expect(try files(folder + "/cache").count == changes.count)
    }
  }

  /// Every damaged byte and every length is found, and the file made again.
  @Test func damagedFilesAreMadeAgain() throws {
    try withTemporaryFolder { folder in
      try put(sampleText.utf8, folder + "/a.txt")
      let recipe = smallRecipe(folder + "/a.txt") { $0.data.cache = folder + "/cache" }
      let expected = try Trainer(recipe).training.fingerprint()
      let path = try folder + "/cache/" + files(folder + "/cache")[0]
      let whole = try read(path)
      var damaged: [[UInt8]] = [[], [0], Array(whole.dropLast()), whole + [0], whole + whole]
      for seed in 0..<60 {
        let draw = RandomSource(seed: UInt64(seed)).uniform(at: 0)
        // Half of them in the header.
        let place = Int(draw * Double(seed % 2 == 0 ? 400 : whole.count))
        var bytes = whole
        bytes[place] ^= 1 << UInt8(seed % 8)
        damaged.append(bytes)
        damaged.append(Array(whole.prefix(place)))
      }
      var version = whole
      version[8] = 2
      damaged.append(version)
      for bytes in damaged {
        try put(bytes, path)
        let trainer = try Trainer(recipe)
        #expect(try trainer.training.fingerprint() == expected)
        #expect(trainer.documents.files == [folder + "/a.txt"])
        #expect(try read(path) == whole)
      }
      #expect(try files(folder + "/cache").count == 1)
    }
  }

  @Test func foldersThatCannotBeWritten() throws {
    try withText { path in
      for folder in ["/nonexistent/cache", path, "/dev/full", ""] {
        let error = #expect(throws: DataError.self, "\(folder)") {
          try Trainer(smallRecipe(path) { $0.data.cache = folder })
        }
        #expect(error?.kind == .io)
      }
      let missing = #expect(throws: DataError.self) {
        try Trainer(smallRecipe(path + "x") { $0.data.cache = path + "-cache" })
      }
      #expect(missing?.kind == .missing)
    }
  }

  @Test func fileThatShrinksDuringTheRun() throws {
    try withTemporaryFolder { folder in
      try put(sampleText.utf8, folder + "/a.txt")
      var trainer = try Trainer(
        smallRecipe(folder + "/a.txt") {
          $0.data.cache = folder + "/cache"
          $0.data.prefetch = 0
        })
      let path = try folder + "/cache/" + files(folder + "/cache")[0]
      let error = #expect(throws: DataError.self) {
        try trainer.run { event in
          if case .step(let record) = event, record.step == 2 {
            try #require(truncate(path, 100) == 0)
          }
          return .proceed
        }
      }
      #expect(error?.kind == .changed && error?.report.file == path)
      // The text itself is in memory: what happens to its file does not matter any more.
      var plain = try Trainer(smallRecipe(folder + "/a.txt"))
      try #require(truncate(folder + "/a.txt", 10) == 0)
      #expect(throws: Never.self) { try plain.run { _ in .proceed } }
    }
  }
}
