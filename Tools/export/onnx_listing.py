"""Prints the parts of a graph, one a line: the golden files of the tests.

    onnx_listing.py MODEL.onnx > graph.txt
"""

import sys

import onnx


def lengths(dims):
    return ",".join(d.dim_param or str(d.dim_value) for d in dims)


def port(value):
    tensor = value.type.tensor_type
    return f"{value.name} {tensor.elem_type} {lengths(tensor.shape.dim)}"


def attribute(a):
    if a.type == onnx.AttributeProto.FLOAT:
        return f"{a.name}=f"
    return f"{a.name}={a.i if a.type == onnx.AttributeProto.INT else list(a.ints)}"


def main():
    model = onnx.load(sys.argv[1])
    graph = model.graph
    print("operators", model.opset_import[0].version)
    for value in graph.input:
        print("input", port(value))
    for t in graph.initializer:
        print("stored", t.name, t.data_type, ",".join(map(str, t.dims)), len(t.raw_data))
    for n in graph.node:
        settings = "".join(" " + attribute(a) for a in n.attribute)
        print(f"{'; '.join(n.output)} = {n.op_type}({'; '.join(n.input)}){settings}")
    for value in graph.output:
        print("output", port(value))


if __name__ == "__main__":
    main()
