"""All that lies below a folder whose content is judged: what can't be listed is an error, and never left out.

`Path.rglob`, `Path.glob` and `os.walk` pass over a folder that may not be read, so that what rests on them says yes to what
nobody has looked at. A test keeps them out of the library.
"""

import os
from pathlib import Path


def below(folder: Path) -> list[Path]:
    """Return all that lies below a folder, sorted: files, folders, and links, which are not followed.

    Raises OSError, with the path, for a folder that can't be listed.
    """
    found, waiting = [], [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                path = Path(entry.path)
                found.append(path)
                # Raises where the file system does not say of what kind an entry is, and the entry may not be asked.
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
    return sorted(found)
