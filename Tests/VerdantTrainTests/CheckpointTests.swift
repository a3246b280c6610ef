import Foundation
import Testing
import VerdantIO

@testable import VerdantTrain
@testable import Verdant

/// Checkpoints on disk: what stays, what is found, and every kind of damage.
@Suite struct CheckpointTests {
  /// A run with a checkpoint after each step.
  private func withRun(
    _ change: (inout Recipe) -> Void = { _ in }, _ body: (String) throws -> Void
  ) throws {
    try withText { text in
      var trainer = try Trainer(
        smallRecipe(text) {
          $0.model.layers = 1
          $0.model.width = 8
          $0.checkpoint.every = 1
          $0.training.steps = 5
          change(&$0)
        })
      let out = text + "-run"
      do {
        let folder = try RunFolder(out, trainer)
        _ = try trainer.run { event in
          try folder.record(event)
          return .proceed
        } save: {
          try folder.save($0)
        }
      }
      try body(out)
    }
  }

  /// Nothing where the folder cannot be read.
  private func names(_ path: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }

  @Test func theNewestStay() throws {
    try withRun { path in
      let folder = path + "/checkpoints"
      #expect(names(folder) == ["step-000000004", "step-000000005"])
      #expect(
        names(folder + "/step-000000005") == [
          "MANIFEST.json", "config.json", "model.safetensors", "optimizer.safetensors",
          "state.json", "verdant.json",
        ])
      // A checkpoint is a model folder, too.
      #expect(throws: Never.self) { try ModelFolder(folder + "/step-000000005") }
    }
    try withRun {
      $0.checkpoint.keepLast = 3
    } _: { path in
      #expect(names(path + "/checkpoints").count == 3)
    }
  }

  @Test func theBestStayBesides() throws {
    try withRun {
      $0.evaluation.every = 1
      $0.checkpoint.keepBest = 1
      // Learns for two steps and is ruined afterwards.
      $0.training.learningRate = 0.5
      $0.training.clip = nil
    } _: { path in
      let found = names(path + "/checkpoints")
      let lines = try text(path + "/metrics.jsonl").split(separator: "\n").map {
        try JSONValue(parsing: String($0))
      }
      let losses = lines.filter { $0["event"] == "eval" }.prefix(4)
        .compactMap { $0["eval_loss"]?.doubleValue }
      let best = try #require(losses.indices.min { losses[$0] < losses[$1] }) + 1
      let expected = Set([best, 4, 5].map { "step-00000000\($0)" })
      #expect(Set(found) == expected, "\(losses)")
    }
  }

  @Test func everyFlippedBitAndEveryCutIsFound() throws {
    try withRun { path in
      let folder = path + "/checkpoints/step-000000005"
      var random = RandomSource(seed: 5).stream("damage")
      for (number, name) in names(folder).enumerated() {
        let file = folder + "/" + name
        let content = try read(file)
        random = RandomSource(seed: UInt64(number))
        for turn in 0..<(name == "MANIFEST.json" ? 400 : 60) {
          var damaged = content
          let place = Int(random.uniform(at: UInt64(turn)) * Double(content.count))
          if turn % 5 == 4 {
            damaged.removeLast(content.count - place)
          } else {
            damaged[place] ^= 1 << (turn % 8)
          }
          try put(damaged, file)
          #expect(throws: CheckpointError.self, "\(name) at \(place), turn \(turn)") {
            try Checkpoint(folder)
          }
        }
        try FileManager.default.removeItem(atPath: file)
        #expect(throws: CheckpointError.self) { try Checkpoint(folder) }
        try put(content, file)
        #expect(throws: Never.self) { try Checkpoint(folder) }
      }
    }
  }

  @Test func aDamagedOneIsPassedOver() throws {
    try withRun { path in
      let newest = path + "/checkpoints/step-000000005"
      try put([1, 2, 3], newest + "/model.safetensors")
      do {
        let stopped = try StoppedRun(path)
        #expect(stopped.checkpoint.step == 4)
        #expect(stopped.passedOver.count == 1 && stopped.passedOver[0].kind == .damaged)
        // The run goes on and writes the damaged one again.
        var trainer = try Trainer(stopped.recipe, resuming: stopped.checkpoint)
        let folder = try RunFolder(stopped, trainer)
        _ = try trainer.run { _ in
          .proceed
        } save: {
          try folder.save($0)
        }
      }
      #expect(throws: Never.self) { try Checkpoint(newest) }
      #expect(names(path + "/checkpoints") == ["step-000000004", "step-000000005"])
      for step in [4, 5] { try put([], path + "/checkpoints/step-00000000\(step)/state.json") }
      let before = names(path)
      let error = #expect(throws: CheckpointError.self) { try StoppedRun(path) }
      #expect(error?.exitCode == .missingInput)
      #expect(names(path) == before)
    }
  }

  @Test func laterCheckpointsAreOfAWayThatWasLeft() throws {
    try withRun { path in
      // As after a rollback to step 4: step 5 is written again, and nothing later counts.
      let manager = FileManager.default
      try manager.copyItem(
        atPath: path + "/checkpoints/step-000000005", toPath: path + "/checkpoints/step-000000009")
      let store = CheckpointStore(run: path)
      let recipe = try RecipeFile.read(path + "/recipe.yaml")
      let trainer = try Trainer(
        recipe, resuming: Checkpoint(path + "/checkpoints/step-000000005"))
      _ = try store.save(trainer.snapshot, fingerprint: "x", history: [])
      #expect(names(path + "/checkpoints") == ["step-000000004", "step-000000005"])
      #expect(try Checkpoint(path + "/checkpoints/step-000000005").dataFingerprint == "x")
    }
  }

  @Test func leftoversGo() throws {
    try withRun { path in
      for name in ["checkpoints/.tmp-step-7-1-a", "checkpoints/.trash-step-3-1-b", ".tmp-x"] {
        try makeFolder(path + "/" + name + "/inner")
        try put([1], path + "/" + name + "/inner/file")
      }
      _ = try StoppedRun(path)
      #expect(names(path + "/checkpoints") == ["step-000000004", "step-000000005"])
      #expect(!names(path).contains(".tmp-x"))
    }
  }

  /// A writer that was killed between the two renames that replace a checkpoint.
  @Test func whatWasAboutToBeReplacedComesBack() throws {
    try withRun { path in
      let folder = path + "/checkpoints"
      let manager = FileManager.default
      try manager.moveItem(
        atPath: folder + "/step-000000005", toPath: folder + "/.old-step-000000005-12-3x")
      try manager.copyItem(
        atPath: folder + "/step-000000004", toPath: folder + "/.old-step-000000004-12-a")
      try makeFolder(folder + "/.old-")
      let stopped = try StoppedRun(path)
      #expect(stopped.checkpoint.step == 5 && stopped.passedOver.isEmpty)
      #expect(names(folder) == ["step-000000004", "step-000000005"])
    }
  }

  @Test func aFormatFromTheFutureIsNamed() throws {
    try withRun { path in
      let folder = path + "/checkpoints/step-000000005"
      let text = try VerdantTrainTests.text(folder + "/MANIFEST.json")
      try put(
        text.replacingOccurrences(of: "\"format\": 1", with: "\"format\": 2").utf8,
        folder + "/MANIFEST.json")
      let error = #expect(throws: CheckpointError.self) { try Checkpoint(folder) }
      #expect(error?.kind == .newerVersion)
    }
  }

  @Test func metricsAreCutAtTheStep() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/metrics.jsonl"
      let lines = [
        #"{"event":"start"}"#, #"{"event":"step","step":1}"#, #"{"event":"step","step":2}"#,
        #"{"event":"eval","step":2}"#, #"{"event":"step","step":3}"#,
      ]
      let whole = lines.joined(separator: "\n") + "\n"
      for (content, step, kept) in [
        (whole, 2, 4), (whole, 3, 5), (whole + #"{"event":"st"#, 3, 5), (whole, 0, 1),
        (whole + #"{"event":"end","step":3}"# + "\n", 3, 5), ("", 3, 0),
        // After a rollback the line of the checkpoint tells where it was.
        (
          whole + #"{"event":"rollback","step":1}"# + "\n" + #"{"event":"step","step":2}"# + "\n"
            + #"{"event":"checkpoint","step":2}"# + "\n" + #"{"event":"step","step":3}"# + "\n",
          2, 8
        ),
      ] {
        try put(content.utf8, path)
        try LineFile.cut(path, afterStep: step)
        #expect(try text(path).split(separator: "\n").count == kept, "\(content) \(step)")
      }
      #expect(throws: Never.self) { try LineFile.cut(folder + "/none", afterStep: 1) }
    }
  }
}
