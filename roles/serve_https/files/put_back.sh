#!/bin/sh
# put_back.sh FOLDER: makes the files what remember.sh wrote down. The name of a copy begins with a dot until it is whole:
# nginx's include leaves such names out.
set -eu
cd "$1/missing"
find . -type f | while read -r file; do
    rm -f "/$file"
done
cd "$1/there"
find . ! -type d | while read -r file; do
    copy="/${file%/*}/.port443-copy"
    rm -f "$copy"
    cp -a "$file" "$copy"
    if [ -d "/$file" ] && [ -L "/$file" ]; then
        rm -f "/$file" # else mv would put the copy into what the link leads to
    fi
    mv -f "$copy" "/$file"
done
