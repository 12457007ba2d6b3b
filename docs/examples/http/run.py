"""Ask a server that `kedro server start` has started for a run; exit code 0 if it ended well, 1 if not.

The server answers 200 to a run that failed as well: what counts is `status`.

    python run.py http://127.0.0.1:8000
    python run.py http://127.0.0.1:8000 '{"pipeline_names": ["products"], "params": {"force": "products"}}'
"""

import json
import sys
import urllib.request


def main(server: str, wanted: str = "{}") -> int:
    """Run what is wanted, and print how it ended."""
    request = urllib.request.Request(  # noqa: S310
        f"{server}/run", data=wanted.encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310
        answer = json.load(response)
    print(json.dumps(answer, indent=2))
    return 0 if answer["status"] == "success" else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
