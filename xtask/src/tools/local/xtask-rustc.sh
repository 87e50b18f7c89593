#!/bin/sh
# What cargo calls for each compilation on this machine, because .cargo/local.toml says so: the compile cache with rustc and
# its arguments. Where the cache is gone or fails on its own account, rustc compiles without it; one cargo is told that once.
# Written by `cargo xtask setup --local`, removed by `cargo xtask setup --undo`.
home=@HOME@
cache=@CACHE@
broken=
{ read -r broken < "$home/bin/cache-is-broken"; } 2>/dev/null
if [ "$broken" != "$PPID" ]; then
  if [ -x "$cache" ]; then
    "$cache" "$@"
    status=$?
    case $status in
      # What rustc itself says, or a signal that was meant for all of us.
      0 | 1 | 101 | 129 | 130 | 143) exit "$status" ;;
    esac
  fi
  { echo "$PPID" > "$home/bin/cache-is-broken"; } 2>/dev/null
  echo "warning: the compile cache $cache is gone or fails; compiling without it (\`cargo xtask setup --local\` looks again)" >&2
fi
exec "$@"
