"""The layers of docs/integer-semantics.md as components.

docs/protocol.md, sections 3 and 6.
"""

import math

from components import Attention, ExpertGemm, Gating, Gemm, RmsNorm, Rope, Sigmoid, Softmax, SwiGlu, Weighted
from components import prove_attention, prove_combination, prove_expert_gemms, prove_gating, prove_gemms
from components import prove_norms, prove_ropes, prove_sigmoids, prove_softmax
from field import aligned_ranges, bits_of, log2_ceil
from lookups import Table

INNER_EPSILON = 1e-6  # of q_norm and kv_norm


class Relations:
    """What layers leave to be proved, kind by kind."""

    def __init__(self):
        self.softmaxes, self.attentions, self.gemms, self.experts, self.combined = [], [], [], [], []
        self.norms, self.ropes, self.sigmoids, self.swiglus, self.gatings = [], [], [], [], []

    def prove(self, session, claims, head=None):
        if self.softmaxes:
            point, scores = prove_softmax(session, claims, self.softmaxes)
            prove_attention(session, claims, self.attentions, point, scores)
        prove_gemms(session, claims, self.gemms, head)
        if self.experts:
            prove_expert_gemms(session, claims, self.experts)
            prove_combination(session, claims, self.combined)
        if self.norms:
            prove_norms(session, claims, self.norms)
        if self.ropes:
            prove_ropes(session, claims, self.ropes)
        prove_sigmoids(session, claims, self.sigmoids, self.swiglus)
        if self.gatings:
            prove_gating(session, claims, self.gatings)


class Layers:
    """Declares the nodes of layers, in the order of the forward pass.

    `weights` collects them with the sizes of their axes: an axis of (blocks, size of a block), both
    of which are padded by themselves.
    """

    def __init__(self, b, config, t, relations, exp, sigmoid, cos, sin):
        self.b, self.config, self.relations = b, config, relations
        self.exp, self.sigmoid, self.cos, self.sin = exp, sigmoid, cos, sin
        self.weights = []  # (tensor, sizes of its axes)
        self.t = t
        self.h = ("h", log2_ceil(config["heads"]))

    def norm(self, name, x, dim, epsilon):
        g = self.weight(f"{name}.g", ("i", (1, dim)))
        norm = RmsNorm(self.b, name, x, g, dim, epsilon)
        self.relations.norms.append(norm)
        return norm.y

    def weight(self, name, *sizes):
        """A parameter tensor whose axes are (name, (blocks, size of a block))."""
        axes = [(axis, log2_ceil(blocks) + log2_ceil(size)) for axis, (blocks, size) in sizes]
        tensor = self.b.parameter(name, axes)
        self.weights.append((tensor, sizes))
        return tensor

    def gemm(self, name, x, inner, out, y=None):
        """`inner` and `out` are sizes (blocks, size of a block)."""
        w = self.weight(name, ("o", out), ("i", inner))
        gemm = Gemm(self.b, name, x, w, y)
        self.relations.gemms.append(gemm)
        return gemm.y

    def attention(self, name, x):
        c, b = self.config, self.b
        heads, nope, rope, values = self.h[1], log2_ceil(c["nope"]), log2_ceil(c["rope"]), log2_ceil(c["vDim"])
        hidden, count = (1, c["hiddenSize"]), c["heads"]
        normed = self.norm(f"{name}attn_norm", x, c["hiddenSize"], c["eps"])
        queries, inner = normed, hidden
        if c.get("qLora"):
            inner = (1, c["qLora"])
            latent = as_inner(self.gemm(f"{name}wq_a", normed, hidden, inner))
            queries = self.norm(f"{name}q_norm", latent, c["qLora"], INNER_EPSILON)
        q = self.gemm(f"{name}wq_b1", queries, inner, (count, c["nope"]))
        qr = self.gemm(f"{name}wq_b2", queries, inner, (count, c["rope"]))
        inner = (1, c["kvLora"])
        latent = as_inner(self.gemm(f"{name}wkv_a1", normed, hidden, inner))
        kr = as_inner(self.gemm(f"{name}wkv_a2", normed, hidden, (1, c["rope"])))
        latent = self.norm(f"{name}kv_norm", latent, c["kvLora"], INNER_EPSILON)
        k = self.gemm(f"{name}wkv_b1", latent, inner, (count, c["nope"]))
        v = self.gemm(f"{name}wkv_b2", latent, inner, (count, c["vDim"]))
        qr = self.rope(f"{name}rope_q", qr.split("o", self.h, ("i", rope)))
        kr = self.rope(f"{name}rope_k", kr)
        long = bool(c.get("longAttention"))
        softmax = Softmax(b, f"{name}softmax", self.exp, heads, self.t[1], softmax_scale(c, 28 if long else 12), long)
        self.relations.softmaxes.append(softmax)
        attention = Attention(
            b,
            f"{name}mul2",
            softmax,
            q.split("o", self.h, ("i", nope)),
            qr,
            k.split("o", self.h, ("i", nope)),
            kr,
            v.split("o", self.h, ("o", values)),
            long,
        )
        self.relations.attentions.append(attention)
        context = attention.y.join("i", "h", "o")
        return x.plus(as_inner(self.gemm(f"{name}wo", context, (count, c["vDim"]), hidden)))

    def rope(self, name, x):
        rope = Rope(self.b, name, x, self.cos, self.sin)
        self.relations.ropes.append(rope)
        return rope.y

    def feed_forward(self, name, x, inner):
        b, axes = self.b, [self.t, ("o", log2_ceil(inner))]
        hidden, inner = (1, self.config["hiddenSize"]), (1, inner)
        sigmoid = Sigmoid(b, f"{name}sigmoid", self.sigmoid, axes)
        self.relations.sigmoids.append(sigmoid)
        self.gemm(f"{name}w1", x, hidden, inner, sigmoid.x)
        up = self.gemm(f"{name}w3", x, hidden, inner)
        swiglu = SwiGlu(b, name, sigmoid, up)
        self.relations.swiglus.append(swiglu)
        return as_inner(self.gemm(f"{name}w2", as_inner(swiglu.act), inner, hidden))

    def experts(self, name, x):
        c, b = self.config, self.b
        groups = c["groups"]
        each, width = (groups, c["experts"] // groups), (1, c["hiddenSize"])
        e = log2_ceil(groups) + log2_ceil(c["experts"] // groups)
        gate = Sigmoid(b, f"{name}gate_sigmoid", self.sigmoid, [self.t, ("o", e)])
        self.relations.sigmoids.append(gate)
        self.gemm(f"{name}gate", x, width, each, gate.x)
        bias = self.weight(f"{name}gate.bias", ("e", each))
        scale = round(c["routedScaling"] * 2**16)
        scores = gate.sigma.rename(o="e")
        gating = Gating(b, name, self.t, scores, bias, c["experts"], groups, c["topkGroup"], c["topk"], scale)
        self.relations.gatings.append(gating)

        j, inner = gating.j, (1, c["expertInner"])
        axes = [self.t, j, ("o", log2_ceil(c["expertInner"]))]
        sigmoid = Sigmoid(b, f"{name}routed.sigmoid", self.sigmoid, axes)
        self.relations.sigmoids.append(sigmoid)

        def product(which, x, inner, out, y=None):
            w = self.weight(f"{name}routed.{which}", ("e", each), ("o", out), ("i", inner))
            gemm = ExpertGemm(b, f"{name}routed.{which}", x, gating.selection, w, j, y)
            self.relations.experts.append(gemm)
            return gemm.y

        product("w1", x, width, inner, sigmoid.x)
        up = product("w3", x, width, inner)
        swiglu = SwiGlu(b, f"{name}routed.", sigmoid, up)
        self.relations.swiglus.append(swiglu)
        y = product("w2", as_inner(swiglu.act), inner, width)
        weighted = Weighted(b, f"{name}routed.weighted", y, gating.weight)
        self.relations.combined.append(weighted)
        out = as_inner(weighted.out.sum("j"))
        if c.get("sharedExperts"):
            out = out.plus(self.feed_forward(f"{name}shared.", x, c["expertInner"] * c["sharedExperts"]))
        return out

    def layer(self, name, x, has_experts):
        c = self.config
        middle = self.attention(name, x)
        normed = self.norm(f"{name}ffn_norm", middle, c["hiddenSize"], c["eps"])
        added = self.experts(name, normed) if has_experts else self.feed_forward(name, normed, c["denseInner"])
        return middle.plus(added)


def require_zero_padding(session, claims, weights):
    """Weights are 0 at padded indices: blocks of an axis first, then inside each block."""
    for tensor, sizes in weights:
        for axis, (blocks, size) in sizes:
            log_blocks, log_size = log2_ceil(blocks), log2_ceil(size)
            if blocks == 1 << log_blocks and size == 1 << log_size:
                continue
            point = {name: session.point(name, log) for name, log in tensor.axes if name != axis}
            point["inside"] = session.point(f"{axis} in a block", log_size)
            point["block"] = session.point(f"blocks of {axis}", log_blocks)
            split = tensor.split(axis, ("block", log_blocks), ("inside", log_size))
            zero_from(session, claims, split, "block", point, blocks)
            zero_from(session, claims, split, "inside", point, size)


def as_inner(tensor):
    """An output as the next product's input."""
    return tensor.rename(o="i")


def softmax_scale(config, bits):
    scale = (config["nope"] + config["rope"]) ** -0.5
    yarn = config.get("yarn")
    if yarn and yarn["factor"] > 1:
        scale *= (1 + 0.1 * yarn["mscaleAllDim"] * math.log(yarn["factor"])) ** 2
    return round(scale * 2**bits)


def angles(b, config, t):
    """The tables of a rotation. A capacity reads the first T rows; under YaRN there are no others."""
    pairs = ("pair", log2_ceil(config["rope"]) - 1)
    if config.get("yarn"):
        return [b.parameter(f"table.{name}", [t, pairs]) for name in ("cos", "sin")]
    log = log2_ceil(config["maxPositions"])
    tables = [b.parameter(f"table.{name}", [("t", log), pairs]) for name in ("cos", "sin")]
    return [table.fix("t", [0] * (log - t[1]), "t") for table in tables]


def table(b, name, tag):
    """Multiplicities and values of a function table."""
    return Table(
        name, tag, b.parameters.declare(f"table.{name}", 16), b.witness.declare(f"{name}.multiplicities", 16)
    )


def zero_from(session, claims, tensor, axis, point, size):
    """The tensor is 0 where the axis is `size` or more: a claim for each aligned range."""
    log = dict(tensor.axes)[axis]
    for start, range_log in aligned_ranges(size, 1 << log):
        bits = bits_of(start >> range_log, log - range_log)
        rest = tensor.fix(axis, bits, "padding" if range_log else None)
        at = {**point, "padding": point[axis][log - range_log :]}
        claims.tensor(rest, at, 0)
