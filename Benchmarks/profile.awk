# Groups the lines `overhead|object|symbol` of `perf report` into kernels.
BEGIN { FS = "|" }
/^#/ || NF < 3 { next }
{
  share = $1; object = $2; symbol = $3
  gsub(/[ %]/, "", share)
  gsub(/^[ \t]+|[ \t]+$/, "", object)
  gsub(/^[ \t]*(\[[^]]*\])?[ \t]*|[ \t]+$/, "", symbol)
  # A clone that the compiler made belongs to its function.
  sub(/\.(constprop|isra|part|cold|llvm)[.0-9]*.*$/, "", symbol)
  if (object ~ /^\[(kernel|guest|vdso)/ || $3 ~ /\[k\]/) group = "operating system"
  else if (object ~ /perf-[0-9]+\.map|^\[?JIT|anon|jitted-/) group = "oneDNN JIT: " kind(symbol)
  else if (object ~ /libdnnl/) group = "oneDNN, compiled code"
  else if (object ~ /^verdant/) {
    if (symbol ~ /^(\$s|swift)/ || symbol ~ /[ .]in /) group = "Swift code of verdant"
    else group = symbol ~ /^vd_/ ? symbol : "C: " symbol
  }
  else if (object ~ /^libswift|^libFoundation|^lib_Foundation/) group = "Swift runtime and libraries"
  else group = object
  total[group] += share
}
function kind(name) {
  if (name ~ /^0x|^\[unknown|^$/) return "products and helpers without a name"
  sub(/[:(@].*$/, "", name)
  return name
}
END {
  for (group in total) {
    if (total[group] >= 0.1) printf "%.2f|%s\n", total[group], group
    else rest += total[group]
  }
  if (rest > 0) printf "%.2f|%s\n", rest, "everything below 0.1 %"
}
