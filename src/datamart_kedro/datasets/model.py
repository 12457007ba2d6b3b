"""A trained model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kedro.io import DatasetError

from datamart_kedro.datasets.run_file import RunFile


class SkopsModel(RunFile[Any]):
    """A scikit-learn model in skops' format, which runs no code of the file when it is loaded, unlike pickle.

    Args:
        path: The file.
        mart: The `mart` block of ``globals.yml``.
        trusted: Types that the file may hold besides those that skops trusts. A model of another type is refused when
            it is saved, so that whatever is saved can be loaded.
        metadata: For Kedro-Viz.
    """

    def __init__(
        self,
        path: str,
        mart: dict[str, Any],
        trusted: Sequence[str] = (),
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(path, mart, metadata)
        self.trusted = list(trusted)

    def load(self) -> Any:
        """The model.

        Raises:
            UntrustedTypesFoundException: The file holds a type that is not trusted.
        """
        import skops.io  # type: ignore[import-untyped]

        return skops.io.load(self.readable, trusted=self.trusted)

    def save(self, data: Any) -> None:
        """Write the model.

        Raises:
            DatasetError: It holds a type that is not trusted.
        """
        import skops.io

        pending = self.begin()
        skops.io.dump(data, pending)
        unknown = sorted(set(skops.io.get_untrusted_types(file=pending)) - set(self.trusted))
        if unknown:
            raise DatasetError(
                f"{self.path.name} would hold types that are not trusted: {', '.join(unknown)}."
                " If they may be loaded, name them under trusted in conf/base/catalog_models.yml."
            )

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self.path), "trusted": self.trusted}
