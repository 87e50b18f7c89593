#!/bin/sh
# What rustc calls to link on this machine, because .cargo/local.toml says so: the C compiler, with the linker that the file
# `chosen` names. Its name does not end in `-ld`, so rustc talks to it as to a C compiler. Which linker is chosen is in no
# fingerprint: another choice compiles nothing again. The C compiler finds `ld` and `ld.lld` in the folder before all others,
# so its `-fuse-ld=lld`, which rustc passes, means ours. Where that is gone or fails, the C compiler links on its own.
# Written by `cargo xtask setup --local`, removed by `cargo xtask setup --undo`.
home=@HOME@
name=${XTASK_LINKER:-}
[ -n "$name" ] || { read -r name < "$home/linkers/chosen"; } 2>/dev/null || name=default
# For measurements. XTASK_LINKER_LOG: a line for each link, with who linked, from when to when, and what. XTASK_LINKER_HOLD: a
# folder that the command is noted in, for links of XTASK_LINKER_HOLD_NAME, which then wait until the folder is gone, or the
# process whose number is in its file `measurer`.
began=
output_file() {
  while [ $# -gt 1 ]; do
    [ "$1" != -o ] || { printf '%s' "$2"; return; }
    shift
  done
}
[ -z "${XTASK_LINKER_LOG:-}" ] || began=$(date +%s.%N)
log() {
  linked=$1
  shift
  [ -z "$began" ] ||
    printf '%s %s %s %s\n' "$linked" "$began" "$(date +%s.%N)" "$(output_file "$@")" >> "$XTASK_LINKER_LOG"
}
if [ -n "${XTASK_LINKER_HOLD:-}" ] && [ -d "$XTASK_LINKER_HOLD" ]; then
  held=$(output_file "$@")
  case ${held##*/} in
    "$XTASK_LINKER_HOLD_NAME" | "$XTASK_LINKER_HOLD_NAME"-*)
      pwd > "$XTASK_LINKER_HOLD/folder"
      printf '%s\0' "$@" > "$XTASK_LINKER_HOLD/new" && mv "$XTASK_LINKER_HOLD/new" "$XTASK_LINKER_HOLD/arguments"
      while { read -r measurer < "$XTASK_LINKER_HOLD/measurer" && kill -0 "$measurer"; } 2>/dev/null; do
        sleep 0.1
      done
      ;;
  esac
fi
if [ "$name" != default ]; then
  output=$([ -x "$home/linkers/$name/ld" ] && cc "-B$home/linkers/$name/" "$@" 2>&1)
  status=$?
  if [ "$status" -eq 0 ]; then
    [ -z "$output" ] || printf '%s\n' "$output" >&2
    log "$name" "$@"
    exit 0
  fi
  # A signal ended it: nobody waits for a second attempt.
  [ "$status" -lt 128 ] || exit "$status"
fi
cc "$@"
status=$?
if [ "$status" -eq 0 ]; then
  log default "$@"
  [ "$name" = default ] ||
    echo "warning: the linker $name is gone or fails; linked without it (\`cargo xtask setup --local\` chooses again)" >&2
fi
exit "$status"
