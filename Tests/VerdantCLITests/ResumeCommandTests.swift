import Foundation
import Testing
import Verdant

/// Runs of the built program that are cut off by signals and go on.
@Suite struct ResumeCommandTests {
  private let options =
    tiny
    + [
      "model.dropout=0.1", "training.steps=40", "checkpoint.every=5",
      "data.validation_fraction=0",
    ].flatMap { ["--set", $0] }

  /// Starts a run, waits for something in its folder, sends a signal, and gives the exit code.
  private func cutOff(
    _ run: String, _ text: String, _ signal: String, after pattern: String, steps: Int = 40
  ) throws -> Program.Outcome {
    let script = """
      timeout -s KILL 100 "$0" "$@" & child=$!
      until grep -q "$PATTERN" "$RUN/metrics.jsonl" 2>/dev/null; do
        kill -0 $child || break
        sleep 0.01
      done
      pkill -\(signal) -P $child; wait $child
      """
    return try Program.run(
      "/bin/bash",
      [
        "-c", script, Program.path, "train", "Recipes/demo-dense.yaml", "--out", run, "--set",
        "data.train=\(text)",
      ] + options + ["--set", "training.steps=\(steps)"],
      environment: ["RUN": run, "PATTERN": pattern])
  }

  private func weights(_ run: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: run + "/model/model.safetensors"))
  }

  @Test func signalsSaveAndTheRunGoesOnToTheSameBits() throws {
    let folder = try Folder()
    let text = try folder.write("text.txt", sampleText)
    let whole = folder.file("whole")
    let plain = try Program.run(
      ["train", "Recipes/demo-dense.yaml", "--out", whole, "--set", "data.train=\(text)"]
        + options)
    #expect(plain.code == 0, "\(plain.errors)")
    let expected = try weights(whole)
    for (signal, code) in [("TERM", Int32(143)), ("INT", 130), ("KILL", 137)] {
      let run = folder.file("run-\(signal)")
      let outcome = try cutOff(run, text, signal, after: #""event":"checkpoint""#)
      // A fast machine may have finished before the signal came.
      #expect([code, 0].contains(outcome.code), "\(outcome.code) \(outcome.errors)")
      if outcome.code == 0 { continue }
      if signal != "KILL" {
        #expect(outcome.errors.contains("verdant train --resume \(run)"))
      }
      let list = try JSONValue(parsing: Program.run(["runs", folder.url.path, "--json"]).output)
      let found = list.arrayValue?.first { $0["path"]?.stringValue == run }
      #expect(found?["state"]?.stringValue == (signal == "KILL" ? "interrupted" : "stopped"))
      let resumed = try Program.run(["train", "--resume", run])
      #expect(resumed.code == 0, "\(resumed.errors)")
      #expect(resumed.errors.contains("going on after step"))
      #expect(try weights(run) == expected, "\(signal)")
    }
  }

  @Test func onlyOneProcessWritesInARun() throws {
    let folder = try Folder()
    let text = try folder.write("text.txt", sampleText)
    let run = folder.file("run")
    let script = """
      timeout -s KILL 100 "$0" "$@" & child=$!
      until [ -f "$RUN/latest" ]; do kill -0 $child || exit 1; sleep 0.01; done
      timeout -s KILL 100 "$0" train --resume "$RUN"; code=$?
      "$0" runs "$RUN"
      pkill -KILL -P $child; wait $child
      exit $code
      """
    let outcome = try Program.run(
      "/bin/bash",
      [
        "-c", script, Program.path, "train", "Recipes/demo-dense.yaml", "-q", "--out", run, "--set",
        "data.train=\(text)",
      ] + options + ["--set", "training.steps=1000000"], environment: ["RUN": run])
    #expect(outcome.code == 75, "\(outcome.errors)")
    #expect(outcome.errors.contains("another process writes in this folder"))
    #expect(outcome.output.contains("running"))
  }

  /// The last evaluation of a long text ends at the first signal, and the run has all its steps.
  @Test func aSignalEndsTheLastEvaluation() throws {
    let folder = try Folder()
    let text = try folder.write("text.txt", sampleText)
    let long = try folder.write(
      "long.txt", String(repeating: sampleText, count: 400))
    let run = folder.file("run")
    let script = """
      timeout -s KILL 200 "$0" "$@" & child=$!
      until grep -q finished "$RUN/run.json" 2>/dev/null; do
        kill -0 $child || break
        sleep 0.01
      done
      pkill -INT -P $child; wait $child
      """
    let outcome = try Program.run(
      "/bin/bash",
      [
        "-c", script, Program.path, "train", "Recipes/demo-dense.yaml", "--out", run, "--set",
        "data.train=\(text)", "--set", "data.validation=\(long)",
      ] + tiny, environment: ["RUN": run])
    #expect(outcome.code == 130, "\(outcome.code) \(outcome.errors)")
    #expect(outcome.errors.contains("verdant train --resume \(run)"))
    let record = try JSONValue(
      parsing: String(contentsOfFile: run + "/run.json", encoding: .utf8))
    #expect(record["state"] == "finished" && record["result"]?["eval_loss"] == nil)
    let resumed = try Program.run(
      ["train", "--resume", run, "--set", "data.validation=\(text)", "--json"])
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(try JSONValue(parsing: resumed.output)["eval_loss"]?.doubleValue != nil)
  }

  @Test func wrongUseOfResume() throws {
    let folder = try Folder()
    for arguments in [
      ["train", "Recipes/demo-dense.yaml", "--resume", "x"],
      ["train", "--resume", "x", "--out", "y"], ["train", "--out", "y"], ["train"],
    ] {
      #expect(try Program.run(arguments).code == 64, "\(arguments)")
    }
    #expect(try Program.run(["train", "--resume", folder.file("none")]).code == 66)
    #expect(try Program.run(["runs", folder.file("none")]).code == 66)
    #expect(try Program.run(["runs", folder.url.path]).code == 0)
  }
}
