"""The right answers, a file for each lesson and named after it.

Each has `check_1` and `check_2`: functions of the answer, and of all that the lesson has defined.
They return when the answer is right, and raise `NotYetError` with a hint when it is not. What is
right is computed here, by nnscratch or NumPy.
"""
