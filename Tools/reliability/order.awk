# Reads the system calls of a training run, as strace -f -y -s 0 writes them, and keeps for every file
# and folder what would survive a loss of power at that moment, in the worst case:
#   - what was written to a file is lost until fsync of the file;
#   - a new name is lost until fsync of the folder that holds it, and so is all below it;
#   - what loses its name is gone at once.
# Checked after every call: as many valid checkpoints survive as are promised (two, once two were
# saved). Checked besides: the manifest comes last, `latest` names what survives, nothing is taken
# apart under its final name.
#   awk -v run=/path/of/run -f order.awk TRACE
function parent(path) { sub(/\/[^\/]*$/, "", path); return path }
function base(path) { sub(/^.*\//, "", path); return path }
function inside(path) { return path == run || index(path, run "/") == 1 }
function isStep(path) { return parent(path) == run "/checkpoints" && base(path) ~ /^step-[0-9]+$/ }
function problem(text) {
  problems++
  if (problems <= 10) print "line " NR ": " text
}

# The quoted paths of a call, into quoted[1] and quoted[2].
function findQuoted(text, n) {
  n = 0
  delete quoted
  while (match(text, /"[^"]*"/)) {
    quoted[++n] = substr(text, RSTART + 1, RLENGTH - 2)
    text = substr(text, RSTART + RLENGTH)
  }
  return n
}
# The path of the first descriptor of a call.
function descriptor(text) {
  if (!match(text, /\([0-9]+<[^>]*>/)) return ""
  text = substr(text, RSTART, RLENGTH)
  sub(/^\([0-9]+</, "", text)
  sub(/>$/, "", text)
  return text
}

function add(path) {
  known[path] = 1
  nameLost[path] = 1
}
function forget(path, other) {
  for (other in known) {
    if (other == path || index(other, path "/") == 1) {
      delete known[other]
      delete nameLost[other]
      delete contentLost[other]
      delete complete[other]
    }
  }
}
function isDurable(path) {
  while (inside(path)) {
    if (nameLost[path] || contentLost[path]) return 0
    path = parent(path)
  }
  return 1
}
function lostInside(folder, other) {
  for (other in known) {
    if (index(other, folder "/") == 1 && (nameLost[other] || contentLost[other])) return other
  }
  return ""
}
function survivors(path, count) {
  count = 0
  for (path in complete) if (isDurable(path)) count++
  return count
}

function moved(from, to, path, other, list, n, i) {
  if (isFolder[from]) {
    other = lostInside(from)
    if (isStep(to) && other != "") problem(base(to) " gets its name while " base(other) " may be lost")
    if (isStep(to) && base(lastWritten[from]) != "MANIFEST.json") problem("the manifest of " base(to) " was not the last file")
    if (isStep(to) && complete[to]) problem(base(to) " is replaced in two steps")
  } else if (contentLost[from]) {
    problem(base(to) " gets its name while its content may be lost")
  }
  if (to == run "/latest" && (newest == "" || !isDurable(newest))) problem("latest names a checkpoint that may be lost")
  forget(to)
  n = 0
  for (path in known) if (path == from || index(path, from "/") == 1) list[++n] = path
  for (i = 1; i <= n; i++) {
    path = list[i]
    other = to substr(path, length(from) + 1)
    known[other] = 1
    if (nameLost[path]) nameLost[other] = 1
    if (contentLost[path]) contentLost[other] = 1
    if (isFolder[path]) isFolder[other] = 1
  }
  forget(from)
  add(to)
  if (isStep(from)) removed++
  if (isStep(to)) {
    complete[to] = 1
    newest = to
    saved++
  }
}

function handle(line, call, path, n) {
  call = line
  sub(/\(.*/, "", call)
  sub(/^.* /, "", call)
  n = findQuoted(line)
  if (call == "openat" || call == "creat") {
    path = quoted[1]
    if (!inside(path) || line !~ /O_CREAT/ && call != "creat" || known[path]) return
    add(path)
    if (base(path) != "MANIFEST.json") return
    for (n in known) {
      if (parent(n) == parent(path) && contentLost[n]) problem("the manifest is begun while " base(n) " may be lost")
    }
  } else if (call == "write" || call == "pwrite64" || call == "writev" || call == "ftruncate" || call == "fallocate") {
    path = descriptor(line)
    if (!inside(path)) return
    if (path == run "/metrics.jsonl") {
      # The event of a checkpoint is written after it was saved.
      if (newest != "" && !(isDurable(newest) && isDurable(run "/latest"))) problem("a checkpoint is reported that may be lost")
      return
    }
    if (isStep(parent(path))) problem(base(path) " is changed under its final name")
    contentLost[path] = 1
    lastWritten[parent(path)] = path
  } else if (call == "fsync" || call == "fdatasync") {
    path = descriptor(line)
    delete contentLost[path]
    for (n in known) if (parent(n) == path) delete nameLost[n]
  } else if (call == "mkdir" || call == "mkdirat") {
    path = quoted[1]
    if (!inside(path)) return
    add(path)
    isFolder[path] = 1
  } else if (call == "link" || call == "linkat") {
    if (inside(quoted[2])) add(quoted[2])
    if (contentLost[quoted[1]]) problem(base(quoted[2]) " gets its name while its content may be lost")
  } else if (call ~ /^rename/) {
    if (line ~ /RENAME_EXCHANGE/) { problem("two names are exchanged, which this check does not know"); return }
    if (inside(quoted[2])) moved(quoted[1], quoted[2])
  } else if (call ~ /^unlink/ || call == "rmdir") {
    path = quoted[1]
    if (isStep(path) || isStep(parent(path))) problem(base(path) " is removed under the name of a checkpoint")
    forget(path)
  } else return
  n = survivors()
  if (n > most) most = n
  if (n < (most < 2 ? most : 2)) problem(n " checkpoints would survive, " (most < 2 ? most : 2) " are promised")
}

{
  pid = $1
  line = $0
  if (line ~ /<unfinished \.\.\.>$/) {
    sub(/ *<unfinished \.\.\.>$/, "", line)
    begun[pid] = line
    next
  }
  if (line ~ /<\.\.\. [a-z0-9]+ resumed>/) {
    sub(/^.*resumed>/, "", line)
    line = begun[pid] line
  }
  if (line ~ /= -1 E/) next
  calls++
  handle(line)
}
END {
  if (saved < 2) problem("only " saved + 0 " checkpoints were saved")
  if (newest != "" && !isDurable(newest)) problem("the last checkpoint may be lost")
  printf "%d calls, %d checkpoints saved, %d removed, %d problems\n", calls, saved, removed, problems
  exit problems > 0
}
