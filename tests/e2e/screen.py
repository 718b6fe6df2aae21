"""A small terminal: what a program wrote, as a person would see it.

As much of an xterm as readline and gwctl use.  What it does not know is an error, so
that no escape code passes unseen.
"""

import re
import unicodedata

CSI = re.compile(r"\x1b\[([?>]?)([0-9;]*)([@-~])")


def width_of(char):
    """Columns of a character; 0 for what sits on the one before."""
    if unicodedata.combining(char) or char in "\u200b\u200d\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


class Screen:
    """Feed it text; .lines is what stands there, .row and .column the cursor."""

    def __init__(self, columns=80, rows=24):
        self.columns = columns
        self.rows = rows
        self.row = self.column = 0
        self.cells = [[" "] * columns for _ in range(rows)]
        self.styles = [[""] * columns for _ in range(rows)]
        self.style = ""
        self.scrolled = []  # lines that left at the top
        self.rest = ""
        self.wrap = False  # the last column was just written

    @property
    def lines(self):
        """Those on the screen, without blanks at their ends."""
        return ["".join(row).rstrip() for row in self.cells]

    @property
    def text(self):
        """All lines that were ever shown, up to the last that is not empty."""
        return "\n".join(self.scrolled + self.lines).rstrip()

    @property
    def line(self):
        """The line of the cursor."""
        return self.lines[self.row]

    def style_at(self, row, column):
        return self.styles[row][column]

    def feed(self, text):
        text = self.rest + text
        self.rest = ""
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self._char(text[at])
                at += 1
                continue
            found = CSI.match(text, at)
            if found:
                self._csi(*found.groups())
                at = found.end()
            elif re.fullmatch(r"\x1b(\[[?>]?[0-9;]*)?", text[at:]):
                self.rest = text[at:]
                return
            elif text[at + 1] in "=>":
                at += 2
            else:
                raise AssertionError(f"unknown escape code: {text[at:at + 12]!r}")

    def _newline(self):
        if self.row < self.rows - 1:
            self.row += 1
            return
        self.scrolled.append("".join(self.cells[0]).rstrip())
        self.cells = self.cells[1:] + [[" "] * self.columns]
        self.styles = self.styles[1:] + [[""] * self.columns]

    def _char(self, char):
        if char == "\r":
            self.column = 0
        elif char == "\n":
            self._newline()
        elif char == "\b":
            self.column = max(0, self.column - 1)
        elif char == "\t":
            self.column = min(self.columns - 1, (self.column // 8 + 1) * 8)
        elif char == "\a":
            return
        elif char < " ":
            raise AssertionError(f"control character {char!r} was shown")
        else:
            self._put(char)
            return
        self.wrap = False

    def _put(self, char):
        width = width_of(char)
        if width == 0:
            return
        if self.wrap or self.column + width > self.columns:
            self.column = 0
            self._newline()
        self.wrap = False
        row = self.cells[self.row]
        row[self.column] = char
        self.styles[self.row][self.column] = self.style
        for more in range(1, width):
            row[self.column + more] = ""
        self.column += width
        if self.column >= self.columns:
            self.column = self.columns - 1
            self.wrap = True

    def _csi(self, private, arguments, final):
        if private:
            if final not in "hlm":
                raise AssertionError(f"unknown escape code: CSI {private}{arguments}{final}")
            return
        numbers = [int(part or 0) for part in arguments.split(";")]
        first = max(1, numbers[0])
        self.wrap = self.wrap and final == "m"
        if final == "m":
            self.style = "" if numbers == [0] else arguments
        elif final == "A":
            self.row = max(0, self.row - first)
        elif final == "B":
            self.row = min(self.rows - 1, self.row + first)
        elif final == "C":
            self.column = min(self.columns - 1, self.column + first)
        elif final == "D":
            self.column = max(0, self.column - first)
        elif final == "G":
            self.column = min(self.columns, first) - 1
        elif final == "H":
            self.row = min(self.rows, first) - 1
            self.column = min(self.columns, max(1, (numbers + [1])[1])) - 1
        elif final == "K":
            self._erase_line(numbers[0])
        elif final == "J":
            self._erase_screen(numbers[0])
        elif final == "P":
            row = self.cells[self.row]
            row[self.column:] = row[self.column + first:] + [" "] * first
            del row[self.columns:]
        elif final == "@":
            row = self.cells[self.row]
            row[self.column:self.column] = [" "] * first
            del row[self.columns:]
        else:
            raise AssertionError(f"unknown escape code: CSI {arguments}{final}")

    def _erase_line(self, how):
        begin, end = {0: (self.column, self.columns), 1: (0, self.column + 1),
                      2: (0, self.columns)}[how]
        self.cells[self.row][begin:end] = [" "] * (end - begin)
        self.styles[self.row][begin:end] = [""] * (end - begin)

    def _erase_screen(self, how):
        if how == 3:  # what scrolled away
            self.scrolled = []
            return
        first = 0 if how == 2 else self.row + 1
        for row in range(first, self.rows):
            self.cells[row] = [" "] * self.columns
            self.styles[row] = [""] * self.columns
        if how == 0:
            self._erase_line(0)
