public import VerdantBase
import VerdantIO

/// The folder of a run that ended before its last step, held for the one who goes on with it.
public struct StoppedRun {
  /// The folder.
  public let path: String
  /// The recipe that the folder holds, with changes applied.
  public let recipe: Recipe
  /// The newest checkpoint of which every byte is as it was written.
  public let checkpoint: Checkpoint
  /// Why newer checkpoints were passed over.
  public let passedOver: [CheckpointError]
  let lock: FolderLock
  let description: JSONObject

  /// Takes the lock of a run folder, removes what an interrupted writer left, and finds the
  /// checkpoint to go on from.
  ///
  /// - Parameter overrides: Changes of the recipe, as `path=value`.
  /// - Throws: ``FileError`` when the folder is missing or another process writes in it,
  ///   ``ConfigError`` for the recipe, ``CheckpointError`` when there is no valid checkpoint.
  public init(_ path: String, overrides: [String] = []) throws {
    var path = path
    while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
    self.path = path
    recipe = try RecipeFile.read(path + "/recipe.yaml", overrides: overrides)
    lock = try FolderLock(path)
    let store = CheckpointStore(path, recipe)
    bringBackReplaced(in: store.folder)
    var passedOver: [CheckpointError] = []
    checkpoint = try store.newestValid { passedOver.append($0) }
    self.passedOver = passedOver
    store.removeUnfinished()
    let file = path + "/run.json"
    let bytes = try? readFile(file, limit: Limits.standard.configBytes, followsLinks: false)
    let json = bytes.flatMap { try? JSONValue(parsing: $0, file: file) }
    // Origin only: a damaged one costs the date of the beginning.
    description = json?.objectValue ?? JSONObject()
  }
}
