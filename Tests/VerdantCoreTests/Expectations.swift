import Testing
import Verdant
import VerdantTestKit

/// Records each finding as an issue of its own.
func expectNothing(
  _ findings: [Finding],
  sourceLocation: SourceLocation = #_sourceLocation
) {
  for finding in findings {
    Issue.record(Comment(rawValue: finding.description), sourceLocation: sourceLocation)
  }
}
