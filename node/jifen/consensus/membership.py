"""The configurations of a log, and one validator's own place in them."""

from collections.abc import Sequence

from jifen.consensus.configuration import Configuration


class Membership:
    """Which configuration is in force at which height: the latest that the log holds, committed or not (Raft 6).

    Invariants: 1. heights ascend; 2. the first is not above the committed height, so that every uncommitted height has
    one; 3. each may follow the one before it.
    """

    def __init__(self, id: str, known: Sequence[tuple[int, Configuration]], committed: int) -> None:
        """Start with the configuration in force at `committed` and those of the uncommitted tail, by first height."""
        assert known, "no configuration"
        assert known[0][0] <= committed, (known[0][0], committed)
        self._id = id
        self._known = [known[0]]
        self._committed = committed
        self._was_member = False
        """Whether a committed configuration named this validator; who has yet to hear of its admission is not out."""
        self.committed_height = known[0][0]
        """Height of the entry that set the configuration in force at the committed height."""
        self.present: tuple[Configuration, ...] = ()
        """The configurations in force from the committed height to the end of the log: whom anything may yet need."""
        self.electable = False
        """Whether this validator may be needed as leader.

        Also one that the latest configuration leaves out, until that is committed (thesis 4.2.2): it may be the only
        one to have it, so that nobody else could win. It does not count its own vote then.
        """
        self.out = False
        """Whether this validator has been a member and will not be needed any more."""
        self._changed()
        for height, configuration in known[1:]:
            self.add(height, configuration)

    @property
    def latest(self) -> Configuration:
        """The configuration in force at the end of the log."""
        return self._known[-1][1]

    @property
    def latest_height(self) -> int:
        """Height of the entry that set it."""
        return self._known[-1][0]

    @property
    def known(self) -> tuple[tuple[int, Configuration], ...]:
        """All that is remembered, with the height from which each is in force: the present ones, and the one before."""
        return tuple(self._known)

    def at(self, height: int) -> Configuration | None:
        """Return the configuration in force at `height`, or None when it is so long ago that it is forgotten."""
        for since, configuration in reversed(self._known):
            if since <= height:
                return configuration
        return None

    def of_uncommitted(self, height: int) -> Configuration:
        """Return the configuration in force at a height that is not committed, for which there always is one."""
        found = self.at(height)
        assert found is not None, height
        return found

    def add(self, height: int, configuration: Configuration) -> None:
        """Note that the entry at `height` sets `configuration`; saying it again changes nothing."""
        if (height, configuration) in self._known:
            return
        assert height > self.latest_height, (height, self.latest_height)
        assert configuration.may_follow(self.latest), (height, self.latest, configuration)
        self._known.append((height, configuration))
        self._changed()

    def truncate(self, height: int) -> None:
        """Forget what entries from `height` on have set; what was before is in force again."""
        assert height > self._committed, (height, self._committed)
        if self.latest_height >= height:
            while self.latest_height >= height:
                self._known.pop()
            self._changed()

    def commit(self, height: int) -> None:
        """Take in that everything up to `height` is committed."""
        before, self._committed = self._committed, height
        if before < self.latest_height:
            self._changed()

    def install(self, height: int, last_height: int, configuration: Configuration) -> None:
        """Go on from a snapshot of `height`, where `configuration` is in force; the log now ends at `last_height`."""
        self._known = [(height, configuration), *(item for item in self._known if height < item[0] <= last_height)]
        self._committed = height
        self._changed()

    def knows(self, id: str) -> bool:
        """Whether any remembered configuration names `id`."""
        return any(id in configuration.members for _, configuration in self._known)

    def needs(self, id: str) -> bool:
        """Whether one of the present configurations names `id`."""
        return any(id in configuration.members for configuration in self.present)

    def _changed(self) -> None:
        place = max(place for place, (since, _) in enumerate(self._known) if since <= self._committed)
        self._was_member |= any(self._id in configuration.members for _, configuration in self._known[: place + 1])
        self.committed_height = self._known[place][0]
        self.present = tuple(configuration for _, configuration in self._known[place:])
        self.electable = any(self._id in configuration.signing for configuration in self.present)
        self.out = self._was_member and not self.needs(self._id)
        # The one before tells whom to tell that they are out.
        del self._known[: max(place - 1, 0)]
