"""All tasks by their names."""

from collections.abc import Mapping

from bot.lab.tasks.api import Task
from bot.lab.tasks.choosing import ChildrensBooks, Winograd
from bot.lab.tasks.lambada import Lambada
from bot.lab.tasks.long_texts import LONG_TEXTS
from bot.lab.tasks.questions import Coqa, NaturalQuestions
from bot.lab.tasks.writing import WMT14, CnnDailyMail

_ALL: tuple[Task, ...] = (
    Lambada(),
    ChildrensBooks(),
    Winograd(),
    *LONG_TEXTS,
    Coqa(),
    CnnDailyMail(),
    *WMT14,
    NaturalQuestions(),
)
TASKS: Mapping[str, Task] = {task.name: task for task in _ALL}
