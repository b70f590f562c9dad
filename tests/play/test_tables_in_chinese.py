"""Errors of tables on the page: what can be done in the file, in both languages, and nothing of Python's arguments."""

from __future__ import annotations

import re

import pytest

from surefit.cli.playing import in_chinese
from surefit.errors import DataError
from surefit.play.wishes import csv_of

WRONG = {
    "a,b,y\n": "只有表头",
    "a,b,y\n1,2,3\n2,x,4\n3,1,5\n": "不是数；请改正",
    "a,b,y\n1,2,3\n2,3\n": "2 个单元格",
    "a,a,y\n1,2,3\n": "名称不能相同",
    "a,kind\n" + "1,red\n2,blue\n" * 6: "目标必须是数；请转换该列",
    "kind,y\n" + "".join(f"t{i},{i}\n" for i in range(60)): "太多而不能作为类别；请不用它",
    "a,,y\n1,2,3\n": "没有名称",
    "a,b,y\n1,,3\n2,,4\n": "没有任何值",
    "a;b;y\n1,5;2,5;3,5\n": "若逗号是小数点，请写 '.'",
    "y,time\n3,2020-01-01\n4,2020-01-02\n": "距第一个时刻的秒数",
    "2019,2020,2021\n1,2,3\n4,5,6\n": "例如 'y2019' 的列名",
}


@pytest.mark.parametrize("csv", WRONG)
def test_an_error_of_a_table_on_the_page(csv):
    with pytest.raises(DataError) as raised:
        csv_of({"csv": csv})
    english, chinese = str(raised.value), in_chinese(str(raised.value))
    assert english.startswith("table: ") and chinese.startswith("表格：")
    assert WRONG[csv] in chinese
    for said in (english, chinese):  # index=False is pandas's, of whoever wrote the file
        assert not re.search(r"\w+=(?!False)|read_table|--\w", said), said
    assert not re.search(r"[a-z]{3,} [a-z]{3,}", re.sub(r"'[^']*'|（\w+, .*?）", "", chinese)), chinese
