#!/bin/sh
# y = sin(x1) - cos(x2) on [-5, 5]^2 from a formula to a report: tables, training, report, film.
#
#     sh run.sh [DIRECTORY [more options of surefit fit]]        a quick look: sh run.sh try --epochs 20
#
# While it trains, DIRECTORY/live.png shows the fit and its error; an image viewer that follows the file animates it.
set -eu
here=$(dirname "$0")
out=${1:-two-inputs}
[ $# -eq 0 ] || shift
surefit=${SUREFIT:-surefit}
formula="sin(x1) - cos(x2)"

# 1. Data. The table to test on is made before training and has points of its own.
$surefit data "$formula" --on x1=-5:5 --on x2=-5:5 --num 5000 --test --out "$out/held-out"

# 5000 points, four to one; and 500 more in a square chosen by hand, which uniform points meet too seldom.
$surefit data "$formula" --on x1=-5:5 --on x2=-5:5 --num 5000 --ratio 0.8 \
    --extra-box x1=-2:2,x2=-2:2 --extra-ratio 0.125 --out "$out/samples"

# 2. Training, with the settings of a file. It leaves the model, its history, pictures and all settings.
$surefit fit "$out/samples/train.csv" --test-table "$out/held-out/test.csv" --config "$here/two-inputs.toml" \
    --live "$out/live.png" --out "$out/model" "$@"

# 3. What came of it.
$surefit doctor "$out/model/model.safetensors"
$surefit report "$out/model" --out "$out/report.html"
$surefit animate "$out/model" "$out/training.gif"
