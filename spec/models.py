"""Models: the layers of docs/integer-semantics.md as components, and the unit that is a whole model.

docs/protocol.md, sections 1, 3, 5, 6 and 10.
"""

import math

from components import Argmax, Attention, ExpertGemm, Gating, Gemm, RmsNorm, Rope, Sigmoid, Softmax, SwiGlu, Weighted
from components import prove_argmax, prove_attention, prove_combination, prove_expert_gemms, prove_gating, prove_gemms
from components import prove_norms, prove_ropes, prove_sigmoids, prove_softmax
from field import P, log2_ceil
from hashes import domain, hash_text, poseidon
from session import Refused
from units import BadConfig, Unit, bind_to_root, canonical, entries, hash_tokens, prove_embedding, table

MODEL_VERSION = 4
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
        prove_norms(session, claims, self.norms)
        if self.ropes:
            prove_ropes(session, claims, self.ropes)
        prove_sigmoids(session, claims, self.sigmoids, self.swiglus)
        if self.gatings:
            prove_gating(session, claims, self.gatings)


class Layers:
    """Declares the nodes of layers, in the order of the forward pass."""

    def __init__(self, b, config, capacity, relations, exp, sigmoid, cos, sin):
        self.b, self.config, self.relations = b, config, relations
        self.exp, self.sigmoid, self.cos, self.sin = exp, sigmoid, cos, sin
        self.t = ("t", log2_ceil(capacity))
        self.h = ("h", log2_ceil(config["heads"]))

    def norm(self, name, x, dim, epsilon):
        g = self.b.parameter(f"{name}.g", [("i", log2_ceil(dim))])
        norm = RmsNorm(self.b, name, x, g, dim, epsilon)
        self.relations.norms.append(norm)
        return norm.y

    def gemm(self, name, x, out, y=None):
        """`out` is the log of the output's width."""
        w = self.b.parameter(name, [("o", out), x.axes[1]])
        gemm = Gemm(self.b, name, x, w, y)
        self.relations.gemms.append(gemm)
        return gemm.y

    def attention(self, name, x):
        c, b = self.config, self.b
        heads, nope, rope, values = self.h[1], log2_ceil(c["nope"]), log2_ceil(c["rope"]), log2_ceil(c["vDim"])
        normed = self.norm(f"{name}attn_norm", x, c["hiddenSize"], c["eps"])
        queries = normed
        if c.get("qLora"):
            latent = as_inner(self.gemm(f"{name}wq_a", normed, log2_ceil(c["qLora"])))
            queries = self.norm(f"{name}q_norm", latent, c["qLora"], INNER_EPSILON)
        q = self.gemm(f"{name}wq_b1", queries, heads + nope)
        qr = self.gemm(f"{name}wq_b2", queries, heads + rope)
        latent = as_inner(self.gemm(f"{name}wkv_a1", normed, log2_ceil(c["kvLora"])))
        kr = as_inner(self.gemm(f"{name}wkv_a2", normed, rope))
        latent = self.norm(f"{name}kv_norm", latent, c["kvLora"], INNER_EPSILON)
        k = self.gemm(f"{name}wkv_b1", latent, heads + nope)
        v = self.gemm(f"{name}wkv_b2", latent, heads + values)
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
        return x.plus(as_inner(self.gemm(f"{name}wo", context, log2_ceil(c["hiddenSize"]))))

    def rope(self, name, x):
        rope = Rope(self.b, name, x, self.cos, self.sin)
        self.relations.ropes.append(rope)
        return rope.y

    def feed_forward(self, name, x, inner):
        b, axes = self.b, [self.t, ("o", log2_ceil(inner))]
        sigmoid = Sigmoid(b, f"{name}sigmoid", self.sigmoid, axes)
        self.relations.sigmoids.append(sigmoid)
        self.gemm(f"{name}w1", x, axes[1][1], sigmoid.x)
        up = self.gemm(f"{name}w3", x, axes[1][1])
        swiglu = SwiGlu(b, name, sigmoid, up)
        self.relations.swiglus.append(swiglu)
        return as_inner(self.gemm(f"{name}w2", as_inner(swiglu.act), log2_ceil(self.config["hiddenSize"])))

    def experts(self, name, x):
        c, b = self.config, self.b
        groups = c["groups"]
        e = log2_ceil(groups) + log2_ceil(c["experts"] // groups)
        gate = Sigmoid(b, f"{name}gate_sigmoid", self.sigmoid, [self.t, ("o", e)])
        self.relations.sigmoids.append(gate)
        self.gemm(f"{name}gate", x, e, gate.x)
        bias = b.parameter(f"{name}gate.bias", [("e", e)])
        scale = round(c["routedScaling"] * 2**16)
        scores = gate.sigma.rename(o="e")
        gating = Gating(b, name, self.t, scores, bias, c["experts"], groups, c["topkGroup"], c["topk"], scale)
        self.relations.gatings.append(gating)

        j, inner, hidden = gating.j, ("o", log2_ceil(c["expertInner"])), ("o", log2_ceil(c["hiddenSize"]))
        sigmoid = Sigmoid(b, f"{name}routed.sigmoid", self.sigmoid, [self.t, j, inner])
        self.relations.sigmoids.append(sigmoid)

        def product(which, x, out, y=None):
            w = b.parameter(f"{name}routed.{which}", [("e", e), out, x.axes[-1]])
            gemm = ExpertGemm(b, f"{name}routed.{which}", x, gating.selection, w, j, y)
            self.relations.experts.append(gemm)
            return gemm.y

        product("w1", x, inner, sigmoid.x)
        up = product("w3", x, inner)
        swiglu = SwiGlu(b, f"{name}routed.", sigmoid, up)
        self.relations.swiglus.append(swiglu)
        y = product("w2", swiglu.act.rename(o="i"), hidden)
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


def as_inner(tensor):
    """An output as the next product's input."""
    return tensor.rename(o="i")


def softmax_scale(config, bits):
    return round((config["nope"] + config["rope"]) ** -0.5 * 2**bits)


def read_tokens(session, capacity, vocabulary, input_hash, output_hash):
    """The hints of section 5: ids, and the mask of positions whose next token is an output."""
    ids, inputs, active = (session.hint(capacity) for _ in range(3))
    for flags in (inputs, active):
        if any(f not in (0, 1) for f in flags) or sorted(flags, reverse=True) != flags:
            raise Refused("tokens: the flags are no run of ones")
    if inputs[0] != 1 or any(i > a for i, a in zip(inputs, active)) or sum(active) == sum(inputs):
        raise Refused("tokens: prompt or output is empty")
    prompt, total = sum(inputs), sum(active)
    if any(ids[total:]) or any(i >= vocabulary for i in ids):
        raise Refused("tokens: an id is none of the vocabulary, or not 0 behind the output")
    session.require_equal(hash_tokens("attensor-input-1", ids[:prompt]), input_hash, "the prompt is not the statement's")
    session.require_equal(hash_tokens("attensor-output-1", ids[prompt:total]), output_hash, "the output is not the statement's")
    mask = [int(prompt <= t + 1 < total) for t in range(capacity)]
    return ids, mask


class ModelUnit(Unit):
    FIELDS = ["modelRoot", "vocabularyRoot", "inputHash", "outputHash"]

    def __init__(self, config, capacity, numbers):
        super().__init__()
        self.config, self.capacity = config, capacity
        b = self.builder
        exp, sigmoid = table(b, "exp", 1), table(b, "sigmoid", 2)
        self.tables = [exp, sigmoid]
        self.t = ("t", log2_ceil(capacity))
        hidden = ("i", log2_ceil(config["hiddenSize"]))
        cos, sin = angles(b, config, self.t)
        self.layer_relations = Relations()
        layers = Layers(b, config, capacity, self.layer_relations, exp, sigmoid, cos, sin)
        self.x = b.free("embedding.x", [self.t, hidden])
        x = self.x
        for l in range(config["layers"]):
            x = layers.layer(f"layers.{l}.", x, l >= config["firstDense"])
        normed = layers.norm("final_norm", x, config["hiddenSize"], config["eps"])
        vocabulary = ("o", log2_ceil(config["vocabSize"]))
        self.argmax = Argmax(b, "head", normed, b.parameter("head", [vocabulary, hidden]), config["vocabSize"])
        self.reads = (1, capacity, config["hiddenSize"], vocabulary[1])
        self.range_and_place(numbers)
        text = canonical(
            ["attensor", MODEL_VERSION, numbers.log_size, numbers.log_inv_rate, numbers.hashing_log_inv_rate, entries(config)]
        )
        self.hash = hash_text("attensor-config-1", text)

    def begin(self, session, claims, statement):
        model_root, self.vocabulary_root, input_hash, output_hash = statement
        session.absorb([self.hash, *statement])
        (witness,) = session.send(1)
        (parameters,) = session.hint(1)
        sample = bind_to_root(session, claims, "parameters", (domain("attensor-model-1"), self.hash), parameters, model_root)
        x = session.challenge()
        (value,) = session.send(1)
        vocabulary = self.config["vocabSize"]
        self.tokens, self.mask = read_tokens(session, self.capacity, vocabulary, input_hash, output_hash)
        return [("power", "witness", x, value), sample], {"witness": witness, "parameters": parameters}

    def relations(self, session, claims):
        prove_embedding(session, claims, self, self.x, self.capacity)
        head = prove_argmax(session, claims, self.argmax, self.tokens, self.mask)
        self.layer_relations.prove(session, claims, head)


def angles(b, config, t):
    """The tables of a rotation; a capacity reads the first T rows."""
    pairs = ("pair", log2_ceil(config["rope"]) - 1)
    log = log2_ceil(config["maxPositions"])
    tables = [b.parameter(f"table.{name}", [("t", log), pairs]) for name in ("cos", "sin")]
    return [table.fix("t", [0] * (log - t[1]), "t") for table in tables]
