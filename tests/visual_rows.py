"""Rows of visual benchmarks, as they are published, that tests make up."""

from made_up_rows import changed

# Not an image, so that whoever decodes it, to write it anew, fails.
ENCODED = b"\x89PNG\r\n\x1a\n and no more"


def mathvista_row(**changes):
    row = {
        "pid": "7",
        "question": "How long is the spring?",
        "image": "images/7.jpg",
        "decoded_image": {"bytes": ENCODED, "path": "7.jpg"},
        "choices": None,
        "unit": "cm",
        "precision": "1.0",
        "answer": "1.2",
        "question_type": "free_form",
        "answer_type": "float",
        "metadata": {"split": "testmini", "skills": ["scientific reasoning"]},
        "query": (
            "Hint: Please answer the question requiring a floating-point number with one decimal place "
            "and provide the final value, e.g., 1.2, 1.3, 1.4, at the end.\n"
            "Question: How long is the spring? (Unit: cm)"
        ),
    }
    return changed(row, changes)


def mathvision_row(**changes):
    row = {
        "id": "7",
        "question": "How many bricks are missing?\n<image1>",
        "options": [],
        "image": "images/7.jpg",
        "decoded_image": {"bytes": ENCODED, "path": None},
        "answer": "6",
        "solution": None,
        "level": "1",
        "subject": "counting",
    }
    return changed(row, changes)
