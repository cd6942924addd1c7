#!/bin/sh
# remember.sh FOLDER FILE...: copies what is there into the folder, and notes which files are missing. What the folder
# knows already stays as it is. First `cp` and then `mv`, so that no copy is ever half a file. Options of POSIX and -a alone:
# it runs on the BSDs as well.
set -eu
umask 077
folder=$1
shift
mkdir -p "$folder/there" "$folder/missing"
for file; do
    if [ -e "$folder/there$file" ] || [ -L "$folder/there$file" ] || [ -e "$folder/missing$file" ]; then
        continue
    fi
    if [ -e "$file" ] || [ -L "$file" ]; then
        mkdir -p "$folder/there${file%/*}"
        cp -a "$file" "$folder/copy"
        mv -f "$folder/copy" "$folder/there$file"
    else
        mkdir -p "$folder/missing${file%/*}"
        : >"$folder/missing$file"
    fi
done
