"""One request and the redirects that it leads to: which next request belongs to them."""

from contextvars import Context

import pytest
from multidict import CIMultiDict
from yarl import URL

from aura_browser.http.chain import Chain, counting_from, end_chain, find_chain, record_redirect

HERE, THERE = URL("https://example.com/a"), URL("https://example.com/b")


def redirected(location: str = "/b#part") -> Chain:
    """Record a redirect from here in the task that runs, and return its chain."""
    chain = Chain(HERE, 5.0)
    record_redirect(chain, HERE, 302, CIMultiDict({"Location": location}))
    return chain


def test_a_target_that_aiohttp_spells_otherwise_is_the_same() -> None:
    chain = redirected("/user/me%40example.com?at=%2F")
    assert find_chain(HERE, URL("https://example.com/user/me@example.com?at=/")) is chain


def test_a_request_of_the_same_sender_to_the_target_goes_on_once() -> None:
    chain = redirected()
    assert find_chain(HERE, THERE) is chain
    assert find_chain(HERE, THERE) is None, "a later one to the same address is another matter"


def test_a_request_of_another_sender_or_to_another_address_is_another_matter() -> None:
    chain = redirected()
    assert find_chain(object(), THERE) is None
    assert find_chain(HERE, HERE) is None
    assert find_chain(HERE, THERE) is chain
    end_chain()


def test_a_target_that_is_no_address_is_nobodys() -> None:
    redirected("http://[")
    assert find_chain(HERE, THERE) is None
    end_chain()


def test_a_task_begins_without_one() -> None:
    assert Context().run(find_chain, HERE, THERE) is None
    Context().run(end_chain)


def test_the_last_answer_ends_it() -> None:
    redirected()
    end_chain()
    assert find_chain(HERE, THERE) is None


def test_a_request_for_which_something_was_done_before_counts_from_then() -> None:
    with counting_from(HERE, 5.0, URL("https://example.com/b#part")):
        assert find_chain(HERE, THERE) == Chain(HERE, 5.0, 0, THERE)
    with counting_from(HERE, None, THERE):
        assert find_chain(HERE, THERE) is None


def test_a_request_that_fails_leaves_none_behind() -> None:
    with pytest.raises(KeyError), counting_from(HERE, 5.0, THERE):
        raise KeyError
    assert find_chain(HERE, THERE) is None
