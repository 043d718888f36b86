# Sourced by the scripts beside it: builds the benchmarks where a source is newer, and defines octet_bench PACKAGE.CLASS ARGS...
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
built=$root/octet-bench/target/classpath
if [ ! -f "$built" ] || [ -n "$(find "$root"/octet-{core,graph,engine,quantize,torch,workflows,bench}/src/main \
  "$root"/octet-{core,graph,engine,quantize,torch,workflows,bench}/pom.xml "$root/pom.xml" -newer "$built" -print -quit)" ]; then
  (cd "$root" && mvn -B -q -ntp -Dmaven.test.skip=true -pl octet-bench -am package) >&2
  touch "$built" # Maven leaves a file alone whose content stays the same.
fi

octet_bench() {
  local name=$1
  shift
  java -Xmx2g --enable-native-access=ALL-UNNAMED -cp "$root/octet-bench/target/classes:$(cat "$built")" \
    "dev.octet.bench.$name" "$@"
}
