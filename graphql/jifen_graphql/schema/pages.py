"""Pages: the one place that turns `first`/`last` and `after` into a slice, inside the bounds of `limits`."""

from graphql import GraphQLError

from jifen_graphql.limits import PAGES


def bounded_page(parent: str, name: str, size: int, after: int | None) -> slice:
    """Return the slice of a page of the list field `parent.name`; raises GraphQLError (code BAD_PAGE).

    `after` is the index of the last element the client has, None before the first page. The cost rule has refused too
    large a page before anything ran; this second look is what holds when it is wrong.
    """
    check_page_size(parent, name, size)
    start = 0 if after is None else after + 1
    if start < 0:
        raise GraphQLError("after is an index; it cannot be negative", extensions={"code": "BAD_PAGE"})
    return slice(start, start + size)


def check_page_size(parent: str, name: str, size: int) -> None:
    """Raise GraphQLError (code BAD_PAGE) when `size` lies outside the bounds of the list field `parent.name`."""
    page = PAGES[parent, name]
    if not 1 <= size <= page.maximum:
        raise GraphQLError(
            f"{name}: {page.argument} must lie between 1 and {page.maximum}, not {size}; ask for several pages",
            extensions={"code": "BAD_PAGE"},
        )
