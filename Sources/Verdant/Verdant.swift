@_exported public import VerdantBase
@_exported public import VerdantCore
