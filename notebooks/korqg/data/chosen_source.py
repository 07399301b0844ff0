"""Where training rows come from: the sample, KorQuAD 1.0 or 2.x, KLUE-MRC, or rows of one's own."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from korqg.column_names import parse_columns
from korqg.config import DOCUMENT_SUFFIXES, SAMPLE_CORPUS, SAMPLE_EDITS, DataConfig
from korqg.data.corpus import NO_ANSWER, Corpus, Passage, describe_dropped, each_question_once, read_korquad
from korqg.data.downloads import KLUE_MRC, fetch, korquad_folder, published_parts
from korqg.data.korquad2.passages import read_korquad2
from korqg.data.own_rows import read_rows
from korqg.data.table_files import READABLE, SUFFIXES
from korqg.data.text_blocks import WHOLE_FILE
from korqg.errors import KorqgError

MOST_NAMED = 10  # Files that are passed over and named on the screen, at most


def find_files_to_read(config: DataConfig) -> dict[str, list[Path]]:
    """For each source of the configuration its files or folders; published ones are downloaded without a source_path.

    Raises KorqgError when a download fails, when source_path does not exist, and when it holds documents alone.
    """
    return {source: _files_of(source, config) for source in config.sources}


def _files_of(source: str, config: DataConfig) -> list[Path]:
    if source == "sample":
        return [SAMPLE_CORPUS, SAMPLE_EDITS]
    if not config.source_path or ("own" in config.sources and source != "own"):
        parts = published_parts(source, config.archives)
        return [fetch(file, korquad_folder()) for file in ([KLUE_MRC] if source == "klue_mrc" else parts)]
    path = Path(config.source_path).expanduser()
    if not path.exists():
        raise KorqgError(
            f"{path} does not exist: set source_path to the file or folder to read.",
            "source_path에 적은 파일이나 폴더가 없습니다.",
        )
    if source == "own":
        inside = [path, *path.rglob("*")] if path.is_dir() else [path]
        suffixes = {entry.suffix.lower() for entry in inside if entry.is_file()}
        if suffixes & set(DOCUMENT_SUFFIXES) and not suffixes & set(READABLE):
            raise KorqgError(
                f"{path} holds documents, but no rows with questions to learn from ({', '.join(SUFFIXES)}). To "
                "have questions asked about the documents, set own_path to them, and learn from another source, "
                '"sample" for example.'
            )
    return [path]


def read_corpus(config: DataConfig, paths: dict[str, list[Path]], count_tokens: Callable[[str], int]) -> Corpus:
    """The passages and questions of all sources, read from `paths`, one source behind the other.

    No question is there twice, and no id: one that an earlier source has too gets a number behind it. Files that a
    folder holds besides are named on the screen. Raises KorqgError for what a source's reader refuses: see
    read_korquad, read_korquad2 and read_rows.
    """
    corpora = [_read(source, config, paths[source], count_tokens) for source in paths]
    passages, repeated = each_question_once(passage for corpus in corpora for passage in corpus.passages)
    dropped = [record for corpus in corpora for record in corpus.dropped]
    whole_files = [record for record in dropped if record["id"] == WHOLE_FILE]
    for record in whole_files[:MOST_NAMED]:
        print("passed over:", describe_dropped(record))
    if len(whole_files) > MOST_NAMED:
        print(f"passed over: {len(whole_files) - MOST_NAMED} files more (see dropped.jsonl)")
    tasks = tasks_for(passages, config.tasks)
    if tasks != config.tasks:
        print(
            f"None of the questions has an answer, which task={config.task!r} needs, so they are learnt as task "
            "question (in a list of questions and answers, the answer is taken as the passage)."
        )
    if "question" not in tasks:
        passages, unanswered = _with_answers(passages, config.task)
        dropped += unanswered
    cleaned = sum(corpus.cleaned for corpus in corpora)
    if cleaned:
        print(f"cleaned: {cleaned} texts had signs that nobody sees, special blanks or decomposed Hangul")
    return Corpus(passages, dropped + repeated, sum(corpus.mended for corpus in corpora), cleaned)


def tasks_for(passages: list[Passage], tasks: list[str]) -> list[str]:
    """The tasks that these questions can be learnt for: to ask without a marked answer, where none of them has one."""
    answered = any(question.answer for passage in passages for question in passage.questions)
    return ["question"] if "answer_aware" in tasks and not answered else tasks


def _with_answers(passages: list[Passage], task: str) -> tuple[list[Passage], list[dict]]:
    """The passages with those of their questions that have an answer, and the others as records.

    They are taken out before the split, so that no side is made of them. Raises KorqgError when nothing is left.
    """
    kept, dropped = [], []
    for passage in passages:
        answered = tuple(question for question in passage.questions if question.answer)
        if answered:
            kept.append(passage if answered == passage.questions else replace(passage, questions=answered))
        dropped += [
            {"file": passage.title, "id": question.id, "reason": NO_ANSWER}
            for question in passage.questions
            if not question.answer
        ]
    if not kept:
        raise KorqgError(
            f"None of {len(dropped)} questions has an answer, which task={task!r} needs (in a list of questions and "
            'answers, the answer is taken as the passage). Set task="question", which needs none: of a passage of more '
            "than max_passage_tokens, the part that is nearest to the question goes with it."
        )
    return kept, dropped


def _read(source: str, config: DataConfig, paths: list[Path], count_tokens: Callable[[str], int]) -> Corpus:
    if source == "korquad2":
        return read_korquad2(
            paths, config.max_passage_tokens, count_tokens, config.max_dropped_fraction, config.long_answers, print
        )
    if source == "own":
        return read_rows(paths[0], config.max_dropped_fraction, parse_columns(config.columns))
    published = source == "klue_mrc" and [path.name for path in paths] == [KLUE_MRC.name]
    parts = published_parts(source, config.archives) if published else ()
    return read_korquad(paths, config.max_dropped_fraction, tuple(parts))


def files_below(paths: dict[str, list[Path]]) -> list[Path]:
    """The files themselves, those of folders in the order of their names; hidden ones are not read, and not here."""
    return [
        file
        for path in (path for source in paths.values() for path in source)
        for file in (_inside(path) if path.is_dir() else [path])
    ]


def _inside(folder: Path) -> list[Path]:
    return sorted(
        entry
        for entry in folder.rglob("*")
        if entry.is_file() and not any(part.startswith(".") for part in entry.relative_to(folder).parts)
    )
