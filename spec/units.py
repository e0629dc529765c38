"""What can be proved by itself: the frame of every proof, and component proofs.

docs/protocol.md, sections 1, 5, 7, 8 and 15, and docs/components.md.
"""

import json
from decimal import Decimal

from components import Builder, Gating, Gemm, RmsNorm, Rope, Sigmoid, Softmax
from components import opened, prove_gating, prove_gemms, prove_norms, prove_ropes, prove_sigmoids, prove_softmax
from field import P, log2_ceil, prefix_extension
from hashes import domain, hash_text, poseidon
from hashing import Answered, Fold, Group, plan_trace, prove_hashing
from layers import Layers, Relations, angles, require_zero_padding, table, zero_from
from lookups import prove_lookups
from opening import LOG_LEAF, open_by_answers, plan_rounds, reduce_claims, round_sizes
from session import Refused, Session
from vectors import Claims

PARAMETERS, SAMPLE = domain("attensor-parameters-1"), domain("attensor-sample-1")


class BadConfig(Exception):
    """The configuration is none that this verifier knows."""


# -- Hashes of configurations ----------------------------------------------------------------------


def canonical(value):
    """JSON as JavaScript writes it: no spaces, and numbers as short as they can be."""
    if isinstance(value, bool) or value is None or isinstance(value, (str, int)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float):
        if value == int(value) and abs(value) < 1e21:
            return str(int(value))
        if 1e-6 <= abs(value) < 1e21:
            return format(Decimal(repr(value)), "f")
        return repr(value).replace("e-0", "e-")
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return "{" + ",".join(f"{canonical(k)}:{canonical(v)}" for k, v in value.items()) + "}"


def entries(config):
    return [[key, config[key]] for key in sorted(config)]


# -- Commitments and openings of vectors -----------------------------------------------------------


class Numbers:
    """Of the commitments: log2 of the vectors' size, and of the inverse rates."""

    def __init__(self, log_size, log_inv_rate, hashing_log_inv_rate):
        self.log_size, self.log_inv_rate, self.hashing_log_inv_rate = log_size, log_inv_rate, hashing_log_inv_rate


def leaf_entries(end, log_size):
    """Rows of the 16 x N/16 matrix that a layout does not leave empty."""
    return -(-end // (1 << (log_size - LOG_LEAF)))


def bind_to_root(session, claims, vector, name, root, stated):
    """Opens `Poseidon(name..., Poseidon(PARAMETERS, Poseidon(roots), y0), salt)`; y0 becomes a claim."""
    sample, salt = session.hint(2, f"{vector}: sample and salt")
    roots = poseidon(root)
    session.require_equal(
        poseidon(*name, poseidon(PARAMETERS, roots, sample), salt), stated, f"the {vector} are not those of the statement"
    )
    return ("power", vector, poseidon(SAMPLE, roots), sample)


class Unit:
    """What a kind of unit adds to the frame."""

    def __init__(self):
        self.builder = Builder()
        self.tables = []
        self.tokens = None

    def range_and_place(self, numbers, lookups=True):
        b = self.builder
        self.range = b.witness.declare("range.multiplicities", 16) if lookups else None
        b.witness.place(numbers.log_size)
        b.parameters.place(numbers.log_size)


def prove_openings(session, claims, unit, numbers, samples, roots):
    """Sections 7, 8 and 15."""
    vectors = ["witness"] + (["parameters"] if "parameters" in roots else [])
    layouts = {"witness": unit.builder.witness, "parameters": unit.builder.parameters}
    claims.claims += samples
    z, values = reduce_claims(session, claims, vectors, numbers.log_size)
    mu = session.challenge() if len(vectors) > 1 else 0
    value = sum(v * m for v, m in zip(values, (1, mu))) % P

    widths = [leaf_entries(layouts[v].end, numbers.log_size) for v in vectors]
    sizes = round_sizes(numbers.log_size)

    def groups_of(all_rounds):
        """Groups of level 1's rounds: trees of one width together."""
        groups = []
        for k, round_ in enumerate(plan_rounds(numbers.log_size, numbers.log_inv_rate, all_rounds)):
            if k == 0:
                for width in dict.fromkeys(widths):
                    groups.append(Group(widths.count(width), round_.queries, width, round_.log_domain))
            else:
                groups.append(Group(1, round_.queries, 1 << LOG_LEAF, round_.log_domain))
        if unit.reads is not None:
            groups.append(Group(*unit.reads))
        return groups

    trace, all_rounds = plan_trace(groups_of, len(sizes))
    rounds = plan_rounds(numbers.log_size, numbers.log_inv_rate, all_rounds)
    opened, folded = open_by_answers(session, rounds, z, value)

    answered, folds = [], []
    groups = iter(trace.groups)
    for k, round_ in enumerate(opened):
        if k == 0:
            terms = []
            for width in dict.fromkeys(widths):
                group = next(groups)
                own = [i for i, w in enumerate(widths) if w == width]
                answered.append(Answered(group, [roots[vectors[i]] for i in own], round_.indices))
                terms += [(group, place, (1, mu)[i]) for place, i in enumerate(own)]
        else:
            group = next(groups)
            answered.append(Answered(group, [folded[k - 1]], round_.indices))
            terms = [(group, 0, 1)]
        folds.append(Fold(terms, round_.fold, answers=round_.answers))
    if unit.reads is not None:
        group = next(groups)
        answered.append(Answered(group, [unit.vocabulary_root], unit.tokens))
        folds.append(Fold([(group, 0, 1)], unit.rows_at[1], point=unit.rows_at[0], value=unit.rows_value))
    second = plan_rounds(trace.log_size, numbers.hashing_log_inv_rate, all_rounds)
    prove_hashing(session, trace, second, answered, folds)


# -- Components ------------------------------------------------------------------------------------


class ComponentUnit(Unit):
    FIELDS = ["component", "tensors", "weights", "tokens"]

    def __init__(self, config, numbers):
        super().__init__()
        self.config = config
        self.reads = None
        self.has_lookups = True  # all kinds but embeddings have cells
        kinds = {
            "sigmoid": self.sigmoid,
            "rms-norm": self.rms_norm,
            "rope": self.rope,
            "gemm": self.gemm,
            "softmax": self.softmax,
            "top-k": self.top_k,
            "embedding": self.embedding,
            "head": self.head,
            "attention": self.layer,
            "dense-layer": self.layer,
            "moe-layer": self.layer,
        }
        if config.get("kind") not in kinds:
            raise BadConfig(f"the component's kind {config.get('kind')!r} is none of {', '.join(kinds)}")
        self.relations = kinds[config["kind"]]()
        self.range_and_place(numbers, self.has_lookups)
        text = canonical([entries(config), numbers.log_size, numbers.log_inv_rate, numbers.hashing_log_inv_rate])
        self.hash = hash_text("attensor-component-3", text)
        self.description = f"the component {canonical(config)}"

    def size(self, name):
        value = self.config.get(name)
        if not isinstance(value, int) or not 0 < value <= 1 << 24:
            raise BadConfig(f"the component's {name} is {value!r}, which is no size")
        return value

    def axis(self, axis, name):
        return (axis, log2_ceil(self.size(name)))

    def begin(self, session, claims, statement):
        session.absorb(statement)
        component, tensors, weights, tokens = statement
        session.require_equal(component, self.hash, "the statement is of another component, size or rate")
        (root,) = session.hint(1, "witness: root")
        samples = [bind_to_root(session, claims, "witness", (domain("attensor-tensors-1"), component), root, tensors)]
        roots = {"witness": root}
        if self.builder.parameters.declared:
            (root,) = session.hint(1, "parameters: root")
            samples.append(
                bind_to_root(session, claims, "parameters", (domain("attensor-model-1"), component), root, weights)
            )
            roots["parameters"] = root
        if self.reads is not None:
            self.vocabulary_root = weights
            self.tokens = session.hint(self.reads[1], "tokens: ids")
            session.require_equal(hash_tokens("attensor-input-1", self.tokens), tokens, "the tokens are not those of the statement")
            for token in self.tokens:
                if token >> self.reads[3]:
                    raise Refused("a token is none of the vocabulary")
        else:
            session.require_equal(tokens, 0, "a component without tokens states some")
        return samples, roots

    def sigmoid(self):
        b = self.builder
        t = table(b, "sigmoid", 2)
        axes = [self.axis("t", "rows"), self.axis("e", "dim")]
        x = b.signed("input", axes)
        s = Sigmoid(b, "sigmoid", t, axes)
        self.tables = [t]

        def relations(session, claims):
            point = {name: session.point(name, log) for name, log in axes}
            claims.tensor(x.minus(s.x), point, 0)
            prove_sigmoids(session, claims, [s], [])

        return relations

    def rms_norm(self):
        b = self.builder
        t, i = self.axis("t", "rows"), self.axis("i", "dim")
        x = b.signed("input", [t, i])
        g = b.parameter("weight", [i])
        norm = RmsNorm(b, "norm", x, g, self.size("dim"), self.config["epsilon"])

        def relations(session, claims):
            require_zero_rows(session, claims, x, self.size("dim"))
            require_zero_padding(session, claims, [(g, [("i", (1, self.size("dim")))])])
            prove_norms(session, claims, [norm])

        return relations

    def rope(self):
        b = self.builder
        axes = [self.axis("t", "rows"), self.axis("h", "heads"), self.axis("i", "dim")]
        pairs = [axes[0], ("pair", axes[2][1] - 1)]
        x = b.signed("input", axes)
        rope = Rope(b, "rope", x, b.parameter("table.cos", pairs), b.parameter("table.sin", pairs))

        def relations(session, claims):
            prove_ropes(session, claims, [rope])

        return relations

    def gemm(self):
        b = self.builder
        t, i, o = self.axis("t", "rows"), self.axis("i", "inner"), self.axis("o", "outer")
        x = b.signed("input", [t, i])
        w = b.parameter("weight", [o, i])
        gemm = Gemm(b, "gemm", x, w)

        def relations(session, claims):
            require_zero_rows(session, claims, x, self.size("inner"))
            sizes = [("o", (1, self.size("outer"))), ("i", (1, self.size("inner")))]
            require_zero_padding(session, claims, [(w, sizes)])
            prove_gemms(session, claims, [gemm])

        return relations

    def softmax(self):
        b = self.builder
        h, t = self.axis("h", "heads"), self.axis("t", "rows")
        x = b.signed("input", [h, t, ("s", t[1])], 3)
        exp = table(b, "exp", 1)
        self.tables = [exp]
        scale = round(self.size("dim") ** -0.5 * 2**12)
        softmax = Softmax(b, "softmax", exp, h[1], t[1], scale)

        def relations(session, claims):
            point, (scores,) = prove_softmax(session, claims, [softmax])
            claims.tensor(x, point, scores)

        return relations


    def top_k(self):
        b = self.builder
        t, experts, groups = self.axis("t", "rows"), self.size("experts"), self.size("groups")
        log = log2_ceil(groups) + log2_ceil(experts // groups)
        x = b.cells("input", [t, ("e", log)], 1)
        bias = b.parameter("bias", [("e", log)])
        kept, selected, scale = self.size("keptGroups"), self.size("selected"), self.config["scale"]
        gating = Gating(b, "", t, x, bias, experts, groups, kept, selected, scale)

        def relations(session, claims):
            prove_gating(session, claims, [gating])

        return relations

    def embedding(self):
        b = self.builder
        axes = [self.axis("t", "rows"), self.axis("i", "dim")]
        x = b.free("embedding.x", axes)
        rows, depth = self.size("rows"), self.size("vocabularyLog")
        self.reads = (1, rows, self.size("dim"), depth)
        self.has_lookups = False

        def relations(session, claims):
            prove_embedding(session, claims, self, x, rows)

        return relations

    def head(self):
        b = self.builder
        t, i, o = self.axis("t", "rows"), self.axis("i", "dim"), self.axis("o", "vocabulary")
        x = b.signed("input", [t, i])
        g = b.parameter("final_norm.g", [i])
        norm = RmsNorm(b, "final_norm", x, g, self.size("dim"), self.config["epsilon"])
        w = b.parameter("head", [o, i])
        gemm = Gemm(b, "head", norm.y, w)

        def relations(session, claims):
            require_zero_rows(session, claims, x, self.size("dim"))
            width = ("i", (1, self.size("dim")))
            require_zero_padding(session, claims, [(g, [width]), (w, [("o", (1, self.size("vocabulary"))), width])])
            prove_gemms(session, claims, [gemm])
            prove_norms(session, claims, [norm])

        return relations


    def layer(self):
        """The half of a layer that is attention, or a whole one."""
        b, kind = self.builder, self.config["kind"]
        t = self.axis("t", "rows")
        x = b.signed("input", [t, self.axis("i", "hiddenSize")])
        cos, sin = angles(b, {**self.config, "maxPositions": self.size("rows")}, t)
        exp = table(b, "exp", 1)
        sigmoid = None if kind == "attention" else table(b, "sigmoid", 2)
        self.tables = [exp] if sigmoid is None else [exp, sigmoid]
        layer_relations = Relations()
        layers = Layers(b, self.config, t, layer_relations, exp, sigmoid, cos, sin)
        if kind == "attention":
            layers.attention("", x)
        else:
            layers.layer("", x, kind == "moe-layer")

        def relations(session, claims):
            require_zero_rows(session, claims, x, self.size("hiddenSize"))
            require_zero_padding(session, claims, layers.weights)
            layer_relations.prove(session, claims)

        return relations


def hash_tokens(name, tokens):
    """Poseidon(domain, length, id, 0, id, 0, ...)"""
    return poseidon(domain(name), len(tokens), *(x for token in tokens for x in (token, 0)))


def prove_embedding(session, claims, unit, x, rows):
    """x~(t*, i*) is the sum of the rows of the vocabulary; section 15 proves it."""
    (t, t_log), (i, i_log) = x.axes
    t_point, i_point = session.point(t, t_log), session.point(i, i_log)
    value = opened(session, claims, x, {t: t_point, i: i_point}, "embedding: rows")
    if rows < 1 << t_log:
        # Missing leaves are copies of the first, and x is 0 behind the tokens.
        first = opened(session, claims, x, {t: [0] * t_log, i: i_point}, "embedding: first row")
        value += (1 - prefix_extension(t_point, rows)) * first
    unit.rows_at, unit.rows_value = (t_point, i_point), value % P


def require_zero_rows(session, claims, x, size):
    """The input's padded columns are 0."""
    (t, t_log), (i, i_log) = x.axes
    point = {t: session.point(t, t_log)}
    if size < 1 << i_log:
        zero_from(session, claims, x, i, {**point, i: session.point(i, i_log)}, size)


def verify_unit(unit, numbers, statement, messages):
    """Refuses, or says what each message was: (name, first, count)."""
    session = Session(messages)
    claims = Claims()
    samples, roots = unit.begin(session, claims, statement)
    unit.relations(session, claims)
    if unit.range is not None:
        prove_lookups(session, claims, unit.builder.witness, numbers.log_size, unit.range, unit.tables)
    prove_openings(session, claims, unit, numbers, samples, roots)
    session.finish()
    return session.places
