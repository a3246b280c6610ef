import Foundation
import Testing
import Verdant

/// The memory forecast of `verdant train`.
@Suite struct MemoryPlanTests {
  private func train(_ folder: Folder, _ further: [String], limit: Int? = nil) throws
    -> Program.Outcome
  {
    let text = try folder.write("text.txt", sampleText)
    return try Program.run(
      ["train", "Recipes/demo-dense.yaml", "--set", "data.train=\(text)"] + tiny + further,
      environment: limit.map { ["VERDANT_MEMORY_LIMIT": "\($0)"] } ?? [:])
  }

  @Test func refusalAndForce() throws {
    let folder = try Folder()
    let run = ["--out", folder.file("run")]
    let refused = try train(folder, run, limit: 20_000_000)
    #expect(refused.code == 71, "\(refused.errors)")
    for part in ["needs", "VERDANT_MEMORY_LIMIT", "--force"] {
      #expect(refused.errors.contains(part), "\(refused.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: folder.file("run")))
    let forced = try train(folder, run + ["--force"], limit: 20_000_000)
    #expect(forced.code == 0, "\(forced.errors)")
  }

  @Test func aHugeModelIsRefusedAtOnce() throws {
    let folder = try Folder()
    let outcome = try train(
      folder,
      ["--out", folder.file("run"), "--set", "model.width=2048", "--set", "model.layers=24"],
      limit: 2_000_000_000)
    #expect(outcome.code == 71 && !outcome.errors.contains("step 1"), "\(outcome.errors)")
  }

  @Test func limitOfTheShell() throws {
    let folder = try Folder()
    let text = try folder.write("text.txt", sampleText)
    let outcome = try Program.run(
      "/bin/bash",
      [
        "-c", "ulimit -v 2000000; exec \"$0\" \"$@\"", Program.path, "train",
        "Recipes/gpt-small.yaml", "--out", folder.file("run"), "--set", "data.train=\(text)",
        "--set", "training.batch=64",
      ])
    #expect(outcome.code == 71 && outcome.errors.contains("ulimit -v"), "\(outcome.errors)")
    #expect(outcome.errors.contains("--set training.batch="), "\(outcome.errors)")
  }

  @Test func dryRun() throws {
    let folder = try Folder()
    let plan = try train(folder, ["--dry-run"])
    #expect(plan.code == 0, "\(plan.errors)")
    for part in ["parameters", "FLOPs", "6 of 128 tokens", "memory"] {
      #expect(plan.output.contains(part), "\(plan.output)")
    }
    #expect(!plan.output.contains("does not fit"))
    let small = try train(folder, ["--dry-run"], limit: 1)
    #expect(small.code == 0 && small.output.contains("does not fit"), "\(small.output)")
    let json = try JSONValue(parsing: train(folder, ["--dry-run", "--json"], limit: 1).output)
    #expect(json["fits"] == false && json["steps"] == 6)
    #expect(json["memory_bytes"]?.intValue ?? 0 > 10_000_000)
  }

  @Test func theForecastStandsBesideThePeak() throws {
    let folder = try Folder()
    // Weights that count: a second copy of them would show.
    let wide = ["model.width=512", "model.layers=4"].flatMap { ["--set", $0] }
    let trained = try train(folder, ["--out", folder.file("run")] + wide)
    #expect(trained.code == 0 && trained.errors.contains("memory forecast"), "\(trained.errors)")
    let record = try JSONValue(
      parsing: Array(Data(contentsOf: URL(fileURLWithPath: folder.file("run/run.json")))))
    let forecast = try #require(record["memory_bytes"]?.doubleValue)
    let peak = try #require(record["result"]?["peak_rss_bytes"]?.doubleValue)
    #expect(abs(forecast / peak - 1) < 0.1, "\(forecast) of \(peak)")
  }
}
