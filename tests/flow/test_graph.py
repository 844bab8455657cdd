"""The order in which SiliconCompiler starts the steps of a build."""

from flow.graph import STEPS, OrderedFlow


def graph(listed):
    flow = OrderedFlow("build", listed)
    for step in STEPS:
        flow.node(step.step_name, step())
    for step in STEPS:
        for name in step.needs:
            flow.edge(name, step.step_name)
    return flow


def test_steps_are_started_in_the_order_of_the_list():
    names = [s.step_name for s in STEPS]
    flow = graph(names)
    assert [node for level in flow.get_execution_order() for node, _ in level] == names
    back = [node for level in flow.get_execution_order(reverse=True) for node, _ in level]
    assert back == names[::-1]


def test_a_graph_read_from_a_manifest_has_the_order_of_its_edges():
    order = [node for level in graph([]).get_execution_order() for node, _ in level]
    assert sorted(order) == sorted(s.step_name for s in STEPS)
    for step in STEPS:
        assert all(order.index(name) < order.index(step.step_name) for name in step.needs)


def test_what_takes_longest_comes_first_when_the_chip_is_there():
    names = [s.step_name for s in STEPS]
    after = names[names.index("metal") + 1 :]
    assert after.index("timed") < after.index("simulator") < after.index("gatesim") < after.index("drc_rom")
    assert after.index("drc_klayout") < after.index("antenna") < after.index("invariance")
    assert after[-1] == "figures"
