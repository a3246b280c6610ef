@_exported public import VerdantBase
@_exported public import VerdantCore
@_exported public import VerdantIO
@_exported public import VerdantModels
@_exported public import VerdantNN
@_exported public import VerdantText
@_exported public import VerdantTrain
