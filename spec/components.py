"""The components of a model: what each commits to, and the relations that it proves.

docs/protocol.md, sections 3 and 6. A constructor declares blocks in the order in which they are
placed; `prove` takes all instances of its kind at once.
"""

from field import P, eq_index, extension, index_extension, log2_ceil, prefix_extension
from session import Sumcheck
from vectors import Layout, Tensor


class Builder:
    """Declares blocks of the two vectors, and tensors over them."""

    def __init__(self):
        self.witness = Layout("witness")
        self.parameters = Layout("parameters")

    def cells(self, name, axes, count):
        """Little-endian cells of 16 bits."""
        log = sum(l for _, l in axes)
        total = None
        for k in range(count):
            cell = Tensor.of(self.witness.declare(f"{name}.{k}", log, is_cell=True), axes).times(1 << (16 * k))
            total = cell if total is None else total.plus(cell)
        return total

    def signed(self, name, axes, count=2):
        return self.cells(name, axes, count).plus_constant(-(1 << (16 * count - 1)))

    def free(self, name, axes):
        return Tensor.of(self.witness.declare(name, sum(l for _, l in axes)), axes)

    def parameter(self, name, axes):
        return Tensor.of(self.parameters.declare(name, sum(l for _, l in axes)), axes)


def by_size(instances, size):
    """Instances of one size together, sizes in the order of their first instance."""
    groups = {}
    for instance in instances:
        groups.setdefault(size(instance), []).append(instance)
    return groups


def opened(session, claims, tensor, point, what):
    """The value of a tensor at shared points is sent and becomes a claim."""
    (value,) = session.send(1, what)
    claims.tensor(tensor, point, value)
    return value


def rescaled(y, r, bits=16):
    """2^bits y + r, which is what was divided by 2^bits."""
    return y.times(1 << bits).plus(r)


# -- Products --------------------------------------------------------------------------------------


class Gemm:
    """acc(t, o) = sum_i X(t, i) W(o, i), y = floor(acc / 2^16)."""

    def __init__(self, b, name, x, weight, y=None):
        self.x, self.weight = x, weight
        (self.t, self.i), self.o = x.axes, weight.axes[0]
        axes = [self.t, self.o]
        self.y = b.signed(f"{name}.y", axes) if y is None else y
        self.r = b.cells(f"{name}.r", axes, 1)
        self.acc = rescaled(self.y, self.r)


def prove_gemms(session, claims, gemms, head=None):
    """`head` is a product whose value at a point an earlier sumcheck left: (x, weight, point, value)."""
    products = []
    if head is not None:
        products.append(head)
    for g in gemms:
        point = {"t": session.point("t", g.t[1]), "o": session.point("o", g.o[1])}
        products.append((g.x, g.weight, point, opened(session, claims, g.acc, point, "GeMM: output")))
    for i, group in by_size(products, lambda p: p[0].axes[1]).items():
        sc = Sumcheck(session, claims, "GeMM", [i])
        for x, weight, point, value in group:
            a = sc.column(x, t=point["t"])
            w = sc.column(weight, o=point["o"])
            sc.require(lambda v, a=a, w=w: v[a] * v[w], value)
        sc.run(2)


# -- Norms -----------------------------------------------------------------------------------------


class RmsNorm:
    """S = sum x^2, inv = the largest integer with inv^2 (S + E) <= 2^64 d, y = floor(x inv g / 2^32)."""

    def __init__(self, b, name, x, weight, dim, epsilon):
        self.x, self.weight, self.dim = x, weight, dim
        self.t, self.i = x.axes
        # E = max(1, round(eps d 2^32))
        self.epsilon = max(1, round(epsilon * dim * 2**32))
        axes, rows = [self.t, self.i], [self.t]
        self.y = b.signed(f"{name}.y", axes)
        self.r = b.cells(f"{name}.r", axes, 2)
        self.out = rescaled(self.y, self.r, 32)
        self.sum = b.free(f"{name}.S", rows)
        self.inv = b.cells(f"{name}.inv", rows, 2)
        self.below = b.cells(f"{name}.D1", rows, 5)
        self.above = b.cells(f"{name}.D2", rows, 5)


def prove_norms(session, claims, norms):
    for i, group in by_size(norms, lambda n: n.i).items():
        t_axis = group[0].t
        sums = []
        for n in group:
            t = session.point(*t_axis)
            sums.append(opened(session, claims, n.sum, {"t": t}, "RMSNorm: sum of squares"))
            i_point = session.point(*i)
        sc = Sumcheck(session, claims, "RMSNorm", [t_axis, i])
        for n, total in zip(group, sums):
            x, inv, g, out = (sc.column(c) for c in (n.x, n.inv, n.weight, n.out))
            sc.require(lambda v, x=x: sc.eq(t=t) * v[x] * v[x], total)
            sc.require(
                lambda v, x=x, inv=inv, g=g, out=out: sc.eq(t=t, i=i_point) * (v[x] * v[inv] % P * v[g] - v[out])
            )
        sc.run(4)
    t = session.point("t", norms[0].t[1])
    sc = Sumcheck(session, claims, "RMSNorm rows", [norms[0].t])
    for n in norms:
        inv, total, below, above = (sc.column(c) for c in (n.inv, n.sum, n.below, n.above))
        scale = n.dim << 64
        sc.require(
            lambda v, inv=inv, s=total, d=below, e=n.epsilon, c=scale: sc.eq(t=t) * (c - v[inv] ** 2 * (v[s] + e) - v[d])
        )
        sc.require(
            lambda v, inv=inv, s=total, d=above, e=n.epsilon, c=scale: sc.eq(t=t)
            * ((v[inv] + 1) ** 2 * (v[s] + e) - c - 1 - v[d])
        )
    sc.run(4)


# -- Rotations -------------------------------------------------------------------------------------


class Rope:
    """Interleaved pairs, rotated by the angle of the position."""

    def __init__(self, b, name, x, cos, sin):
        self.y = b.signed(f"{name}.y", x.axes)
        self.r = b.cells(f"{name}.r", x.axes, 1)
        log = x.axes[-1][1]
        pairs = (("pair", log - 1), ("half", 1))

        def halves(tensor):
            split = tensor.split("i", *pairs)
            return split.fix("half", [0]), split.fix("half", [1])

        self.a, self.b = halves(x)
        self.even, self.odd = halves(rescaled(self.y, self.r))
        self.cos, self.sin = cos, sin
        self.axes = self.a.axes


def prove_ropes(session, claims, ropes):
    for axes, group in by_size(ropes, lambda r: tuple(r.axes)).items():
        points = {name: session.point(name, log) for name, log in axes}
        sc = Sumcheck(session, claims, "RoPE", axes)
        for rope in group:
            a, b, cos, sin, even, odd = (
                sc.column(c) for c in (rope.a, rope.b, rope.cos, rope.sin, rope.even, rope.odd)
            )
            sc.require(
                lambda v, a=a, b=b, c=cos, s=sin, y=even: sc.eq(**points) * (v[a] * v[c] - v[b] * v[s] - v[y])
            )
            sc.require(lambda v, a=a, b=b, c=cos, s=sin, y=odd: sc.eq(**points) * (v[a] * v[s] + v[b] * v[c] - v[y]))
        sc.run(3)


# -- Attention -------------------------------------------------------------------------------------


class Softmax:
    def __init__(self, b, name, table, heads, t, scale, long=False):
        """`scale` is C; `long` is long attention."""
        h, s = ("h", heads), ("s", t)
        self.t, self.h, self.s = ("t", t), h, s
        rows, axes = [h, self.t], [h, self.t, s]
        self.scale, self.shift = scale, 48 if long else 32
        self.total = (1 << 47 if long else 1 << 32) - 1
        self.max = b.signed(f"{name}.max", rows)
        self.c = b.free(f"{name}.c", axes)
        self.e = b.free(f"{name}.exp", axes)
        table.uses.append((self.c.views[0].block, self.e.views[0].block))
        self.over = b.cells(f"{name}.o", axes, 2)
        self.r = b.cells(f"{name}.r", axes, 3 if long else 2)
        self.attained = b.free(f"{name}.attained", axes)
        self.p = b.cells(f"{name}.p", axes, 2 if long else 1)
        self.pr = b.cells(f"{name}.pr", axes, 1)
        self.product = rescaled(self.p, self.pr)
        self.inv = b.cells(f"{name}.inv", rows, 2 if long else 1)
        self.rem = b.cells(f"{name}.rem", rows, 2)
        self.slack = b.cells(f"{name}.slack", rows, 2)
        self.sum = self.rem.plus(self.slack).plus_constant(1)


def causal(t, s):
    """[s <= t], extended multilinearly, from the lowest variables up."""
    result = 1
    for a, b in zip(reversed(t), reversed(s)):
        below, same = a * (1 - b), 1 - a - b + 2 * a * b
        result = (below + same * result) % P
    return result


def prove_softmax(session, claims, softmaxes):
    """Leaves the sumcheck's point, and the value of each instance's scores there."""
    first = softmaxes[0]
    points = {name: session.point(name, log) for name, log in (first.h, first.t, first.s)}
    rows = {"h": points["h"], "t": points["t"]}
    sums = [opened(session, claims, s.sum, rows, "Softmax: sum of exponentials") for s in softmaxes]
    sc = Sumcheck(session, claims, "Softmax", [first.h, first.t, first.s])
    scores = []

    def mask():
        return causal(sc.point["t"], sc.point["s"])

    def everywhere():
        return sc.eq(**points)

    for s, total in zip(softmaxes, sums):
        c, o, e, a = (sc.column(x) for x in (s.c, s.over, s.e, s.attained))
        acc = sc.virtual()
        top, r, p, inv = (sc.column(x) for x in (s.max, s.r, s.product, s.inv))
        scores.append(acc)
        factor, shift = s.scale, 1 << s.shift

        def relations(c=c, o=o, e=e, a=a, acc=acc, top=top, r=r, p=p, inv=inv, total=total, factor=factor, shift=shift):
            sc.require(
                lambda v: everywhere() * mask() % P * (factor * v[acc] - shift * (v[top] - v[c] - v[o]) - v[r])
            )
            sc.require(lambda v: everywhere() * v[o] % P * (65535 - v[c]))
            sc.require(lambda v: everywhere() * v[a] % P * (v[a] - 1))
            sc.require(lambda v: everywhere() * v[a] % P * (1 - mask()))
            sc.require(lambda v: everywhere() * v[a] % P * (v[c] + v[o]))
            sc.require(lambda v: sc.eq(**rows) * v[a], 1)
            sc.require(lambda v: sc.eq(**rows) * mask() % P * v[e], total)
            sc.require(lambda v: everywhere() * (mask() * v[e] % P * v[inv] - v[p]))

        relations()
    sc.run(4)

    last = Sumcheck(session, claims, "Softmax rows", [first.h, first.t])
    for s in softmaxes:
        inv, total, rem = (last.column(x) for x in (s.inv, s.sum, s.rem))
        last.require(
            lambda v, inv=inv, total=total, rem=rem, one=s.total: last.eq(**rows) * (v[inv] * v[total] + v[rem] - one)
        )
    last.run(3)
    return sc.point, [sc.values[i] for i in scores]


class Attention:
    """Scores, softmax and context of one layer."""

    def __init__(self, b, name, softmax, queries, rotated_queries, keys, rotated_keys, values, long=False):
        """queries (t, h, i), rotated_queries (t, h, i), keys (t, h, i), rotated_keys (t, i), values (t, h, o)"""
        self.softmax = softmax
        self.queries, self.rotated_queries = queries, rotated_queries
        self.keys, self.rotated_keys = keys.rename(t="s"), rotated_keys.rename(t="s")
        self.values = values.rename(t="s")
        axes = values.axes
        self.y = b.signed(f"{name}.y", axes)
        self.r = b.cells(f"{name}.r", axes, 2 if long else 1)
        self.acc = rescaled(self.y, self.r, 32 if long else 16)
        self.long = long


def prove_attention(session, claims, attentions, scores_point, scores):
    first = attentions[0]
    t, h = first.softmax.t, first.softmax.h
    v_axis = first.values.axes[2]
    nope, rope = first.queries.axes[2], first.rotated_queries.axes[2]
    apart = nope[1] != rope[1]
    rotated = []
    if apart:
        rotated = [session.send(1, "mul1: what rotated queries and keys add")[0] for _ in attentions]
    outputs = []
    for a in attentions:
        point = {"t": session.point("t", t[1]), "h": session.point("h", h[1]), "o": session.point("v", v_axis[1])}
        value = opened(session, claims, a.acc, point, "mul2: output")
        outputs.append(value * pow(2, -1, P) % P if a.long else value)

    t_at, s_at, h_at = scores_point["t"], scores_point["s"], scores_point["h"]

    def prove_scores(width, terms, values):
        """`terms` of an attention are pairs of tensors whose products add up."""
        sc = Sumcheck(session, claims, "attention", [h, width])
        for a, value in zip(attentions, values):
            pairs = [(sc.column(q, t=t_at), sc.column(k, s=s_at)) for q, k in terms(a)]
            sc.require(lambda v, pairs=pairs: sc.eq(h=h_at) * (sum(v[q] * v[k] for q, k in pairs) % P), value)
        sc.run(3)

    if apart:
        prove_scores(nope, lambda a: [(a.queries, a.keys)], [s - r for s, r in zip(scores, rotated)])
        prove_scores(rope, lambda a: [(a.rotated_queries, a.rotated_keys)], rotated)
    else:
        prove_scores(nope, lambda a: [(a.queries, a.keys), (a.rotated_queries, a.rotated_keys)], scores)

    t_point, h_point, v_point = (session.point(name, log) for name, log in (t, h, ("v", v_axis[1])))
    sc = Sumcheck(session, claims, "attention", [h, first.softmax.s])
    for a, value in zip(attentions, outputs):
        p, x = sc.column(a.softmax.p, t=t_point), sc.column(a.values, o=v_point)
        sc.require(lambda v, p=p, x=x: sc.eq(h=h_point) * v[p] % P * v[x], value)
    sc.run(3)


# -- Sigmoids --------------------------------------------------------------------------------------


class Sigmoid:
    """c = clamp(floor(x / 32) + 2^15, 0, 65535), sigma = SIG[c]; x has no cells of its own."""

    def __init__(self, b, name, table, axes):
        self.c = b.free(f"{name}.c", axes)
        self.sigma = b.free(f"{name}.sigmoid", axes)
        table.uses.append((self.c.views[0].block, self.sigma.views[0].block))
        self.over = b.cells(f"{name}.over", axes, 2)
        self.under = b.cells(f"{name}.under", axes, 2)
        self.low = b.cells(f"{name}.low", axes, 1)
        self.low2 = b.cells(f"{name}.low2", axes, 1)
        self.x = self.c.plus(self.over).minus(self.under).plus_constant(-(1 << 15)).times(32).plus(self.low)
        self.log = sum(l for _, l in axes)

    def flat(self, tensor):
        return tensor.join("n", *(n for n, _ in tensor.axes))


class SwiGlu:
    """silu = floor(x sigma / 2^16), act = floor(silu up / 2^16)."""

    def __init__(self, b, name, sigmoid, up):
        self.sigmoid, self.up = sigmoid, up
        axes = up.axes
        self.silu = b.signed(f"{name}silu.y", axes)
        self.silu_r = b.cells(f"{name}silu.r", axes, 1)
        self.act = b.signed(f"{name}act.y", axes)
        self.act_r = b.cells(f"{name}act.r", axes, 1)


def prove_sigmoids(session, claims, sigmoids, swiglus):
    for log, group in by_size(sigmoids, lambda s: s.log).items():
        n = session.point("n", log)
        sc = Sumcheck(session, claims, "Sigmoid", [("n", log)])
        for s in group:
            c, over, under, low, low2 = (sc.column(s.flat(x)) for x in (s.c, s.over, s.under, s.low, s.low2))
            sc.require(lambda v, c=c, o=over: sc.eq(n=n) * v[o] % P * (65535 - v[c]))
            sc.require(lambda v, c=c, u=under: sc.eq(n=n) * v[u] % P * v[c])
            sc.require(lambda v, low=low, low2=low2: sc.eq(n=n) * (v[low] * 2048 - v[low2]))
        for g in swiglus:
            if g.sigmoid.log != log:
                continue
            flat = g.sigmoid.flat
            x, sigma, silu, up, silu_out, act_out = (
                sc.column(flat(c))
                for c in (
                    g.sigmoid.x,
                    g.sigmoid.sigma,
                    g.silu,
                    g.up,
                    rescaled(g.silu, g.silu_r),
                    rescaled(g.act, g.act_r),
                )
            )
            sc.require(lambda v, x=x, s=sigma, y=silu_out: sc.eq(n=n) * (v[x] * v[s] - v[y]))
            sc.require(lambda v, x=silu, u=up, y=act_out: sc.eq(n=n) * (v[x] * v[u] - v[y]))
        sc.run(3)


# -- Top-k and gating ------------------------------------------------------------------------------


class TopK:
    """The k best of candidates, by value and then by lower index."""

    def __init__(self, b, name, rows, candidates, k, sizes):
        """`sizes` of the axes that may be padded"""
        self.rows, self.candidates, self.k, self.sizes = rows, candidates, k, sizes
        axes = rows + candidates
        self.s = b.free(f"{name}.s", axes)
        self.tau = b.free(f"{name}.tau", rows)
        self.d = b.cells(f"{name}.d", axes, 2)


def constrain_top_k(session, sc, top, value, allowed=None):
    """`value` and `allowed` are columns' values, as functions of the list of all values.

    Candidates beyond the true ones are not allowed, and a padded row selects none.
    """
    points = {name: session.point(name, log) for name, log in top.rows + top.candidates}
    rows = {name: points[name] for name, _ in top.rows}
    s = sc.column(top.s)
    tau, d = sc.column(top.tau), sc.column(top.d)
    size = 1 << sum(log for _, log in top.candidates)
    padded = any(top.sizes[name] < 1 << log for name, log in top.rows + top.candidates if name in top.sizes)

    def true(point, axes):
        """[every coordinate is one of the true sizes]"""
        result = 1
        for name, log in axes:
            if top.sizes.get(name, 1 << log) < 1 << log:
                result = result * prefix_extension(point[name], top.sizes[name]) % P
        return result

    def key(v):
        index = index_extension([x for name, _ in top.candidates for x in sc.point[name]])
        return size * value(v) + size - 1 - index

    selectors = []
    if allowed is not None:
        selectors.append(allowed)
    if padded:
        selectors.append(lambda v: true(sc.point, top.rows + top.candidates))
    for selector in selectors:
        sc.require(lambda v, selector=selector: sc.eq(**points) * v[s] % P * (1 - selector(v)))
    sc.require(lambda v: sc.eq(**points) * v[s] % P * (v[s] - 1))
    sc.require(lambda v: sc.eq(**rows) * v[s], top.k * true(points, top.rows) % P)

    def comparison(v):
        compared = ((2 * v[s] - 1) * (key(v) - v[tau]) - (1 - v[s])) % P
        for selector in selectors:
            compared = compared * selector(v) % P
        return sc.eq(**points) * (compared - v[d])

    sc.require(comparison)
    return s, len(selectors)


class Gating:
    """Group-limited top-k of a router, and the weights of what it selects."""

    def __init__(self, b, prefix, t, scores, bias, experts, groups, kept, selected, scale):
        """scores (t, e), bias (e) or None."""
        self.t, self.g, self.x = t, ("g", log2_ceil(groups)), ("x", log2_ceil(experts // groups))
        self.e, self.j = ("e", self.g[1] + self.x[1]), ("j", log2_ceil(selected))
        self.scores, self.bias, self.scale, self.selected = scores, bias, scale, selected
        sizes = {"g": groups, "x": experts // groups}
        self.top2 = TopK(b, f"{prefix}group_top2", [t, self.g], [self.x], 2, sizes)
        self.value = b.free(f"{prefix}group.value", [t, self.g])
        self.groups = TopK(b, f"{prefix}group", [t], [self.g], kept, sizes)
        self.experts = TopK(b, f"{prefix}experts", [t], [self.g, self.x], selected, sizes)
        slots = [t, self.j]
        self.selection = b.free(f"{prefix}slots.selection", slots + [self.e])
        self.score = b.free(f"{prefix}slots.score", slots)
        self.weight = b.cells(f"{prefix}slots.weight", slots, 2)
        self.rem = b.cells(f"{prefix}slots.rem", slots, 2)
        self.slack = b.cells(f"{prefix}slots.slack", slots, 2)


def prove_gating(session, claims, gatings):
    first = gatings[0]
    t, g, x, j, e = first.t, first.g, first.x, first.j, first.e

    def split(tensor):
        return tensor.split("e", g, x)

    for name, log in (t, g, x):
        session.point(name, log)
    rows = {"t": session.point(*t)}
    in_groups = {**rows, "g": session.point(*g)}
    everywhere = {**in_groups, "x": session.point(*x)}

    sc = Sumcheck(session, claims, "top-k experts", [t, g, x])
    for gating in gatings:
        columns = [sc.column(split(gating.scores))]
        if gating.bias is not None:
            columns.append(sc.column(split(gating.bias)))
        choice = lambda v, columns=columns: sum(v[c] for c in columns)
        s, _ = constrain_top_k(session, sc, gating.top2, choice)
        allowed = sc.column(gating.groups.s)
        chosen, selectors = constrain_top_k(session, sc, gating.experts, choice, lambda v, a=allowed: v[a])
        value = opened(session, claims, gating.value, in_groups, "top-k: group values")
        sc.require(lambda v, s=s, choice=choice: sc.eq(**in_groups) * v[s] % P * choice(v), value)
        slots = sc.column(split(gating.selection.sum("j")))
        sc.require(lambda v, p=slots, s=chosen: sc.eq(**everywhere) * (v[p] - v[s]))
    sc.run(3 + selectors)

    sc = Sumcheck(session, claims, "top-k groups", [t, g])
    for gating in gatings:
        value = sc.column(gating.value)
        _, selectors = constrain_top_k(session, sc, gating.groups, lambda v, c=value: v[c])
    sc.run(3 + selectors)

    slots = {"t": session.point(*t), "j": session.point(*j)}
    all_slots = {**slots, "e": session.point(*e)}
    sc = Sumcheck(session, claims, "MoE slots", [t, j, e])
    for gating in gatings:
        score = opened(session, claims, gating.score, slots, "MoE: slot scores")
        p, sigma = sc.column(gating.selection), sc.column(gating.scores)
        sc.require(lambda v, p=p: sc.eq(**all_slots) * v[p] % P * (v[p] - 1))
        sc.require(lambda v, p=p: sc.eq(**slots) * v[p], prefix_extension(slots["j"], gating.selected))
        sc.require(lambda v, p=p, s=sigma: sc.eq(**slots) * v[p] % P * v[s], score)
    sc.run(3)

    sc = Sumcheck(session, claims, "MoE weights", [t, j])
    for gating in gatings:
        total, rem, score, weight, slack = (
            sc.column(c) for c in (gating.score.sum("j"), gating.rem, gating.score, gating.weight, gating.slack)
        )
        sc.require(
            lambda v, w=weight, total=total, rem=rem, s=score, r=gating.scale: sc.eq(**slots)
            * (v[w] * v[total] + v[rem] - r * v[s])
        )
        sc.require(
            lambda v, total=total, rem=rem, slack=slack, k=gating.selected: sc.eq(**slots)
            * (prefix_extension(sc.point["j"], k) * (v[total] - 1 - v[rem] - v[slack]))
        )
    sc.run(3)


# -- Experts ---------------------------------------------------------------------------------------


class ExpertGemm:
    """acc(t, j, o) = sum_i X(t, [j,] i) W(expert of slot j, o, i)."""

    def __init__(self, b, name, x, selection, weight, j, y=None):
        self.x, self.selection, self.weight = x, selection, weight
        self.t, self.j, self.o = x.axes[0], j, weight.axes[1]
        axes = [self.t, j, self.o]
        self.y = b.signed(f"{name}.y", axes) if y is None else y
        self.r = b.cells(f"{name}.r", axes, 1)
        self.acc = rescaled(self.y, self.r)


def prove_expert_gemms(session, claims, gemms):
    """First sums over experts and inputs, with A(e, i) virtual; then A from selections and inputs."""
    inputs = []  # (product, point of A, value of A), one for each input
    for axes, group in by_size(gemms, lambda g: (g.weight.axes[0], g.weight.axes[2])).items():
        outputs = []
        for g in group:
            point = {name: session.point(name, log) for name, log in (g.t, g.j, g.o)}
            outputs.append((g, point, opened(session, claims, g.acc, point, "MoE GeMM: output")))
        sc = Sumcheck(session, claims, "MoE GeMM", axes)
        columns = []
        for g, point, value in outputs:
            a = next((c for other, c in columns if other.x is g.x and other.selection is g.selection), None)
            if a is None:
                a = sc.virtual()
                columns.append((g, a))
            w = sc.column(g.weight, o=point["o"])
            sc.require(lambda v, a=a, w=w: v[a] * v[w], value)
        sc.run(2)
        inputs += [(g, sc.point, sc.values[a]) for g, a in columns]
    first = gemms[0]
    slots = {name: session.point(name, log) for name, log in (first.t, first.j)}
    sc = Sumcheck(session, claims, "MoE inputs", [first.t, first.j])
    for g, point, value in inputs:
        p, x = sc.column(g.selection, e=point["e"]), sc.column(g.x, i=point["i"])
        sc.require(lambda v, p=p, x=x: sc.eq(**slots) * v[p] % P * v[x], value)
    sc.run(3)


class Weighted:
    """weighted = floor(w y / 2^16) in each slot."""

    def __init__(self, b, name, y, weight):
        self.y, self.weight = y, weight
        self.out = b.signed(f"{name}.y", y.axes)
        self.r = b.cells(f"{name}.r", y.axes, 1)
        self.product = rescaled(self.out, self.r)


def prove_combination(session, claims, combined):
    axes = combined[0].y.axes
    points = {name: session.point(name, log) for name, log in axes}
    sc = Sumcheck(session, claims, "MoE combine", axes)
    for c in combined:
        out, y, w = sc.column(c.product), sc.column(c.y), sc.column(c.weight)
        sc.require(lambda v, out=out, y=y, w=w: sc.eq(**points) * (v[w] * v[y] - v[out]))
    sc.run(3)


# -- Head ------------------------------------------------------------------------------------------


class Argmax:
    """Greedy choice of the next token from x(t, i) and the head's weights (o, i)."""

    def __init__(self, b, name, x, weight, vocabulary):
        self.x, self.weight, self.vocabulary = x, weight, vocabulary
        self.t, self.o = x.axes[0], weight.axes[0]
        self.top = b.signed(f"{name}.top", [self.t], 3)
        self.d = b.cells(f"{name}.d", [self.t, self.o], 4 if vocabulary <= 1 << 16 else 5)


def prove_argmax(session, claims, argmax, tokens, mask):
    """Leaves the product that the head's accumulator at the sumcheck's point must be."""
    t, o = argmax.t, argmax.o
    points = {"t": session.point(*t), "o": session.point(*o)}
    following = [*tokens[1:], 0]
    size = 1 << o[1]
    sc = Sumcheck(session, claims, "argmax", [t, o])
    acc = sc.virtual()
    d, top = sc.column(argmax.d), sc.column(argmax.top)

    def masked(v):
        m = extension(mask, sc.point["t"])
        candidates = 1 if argmax.vocabulary == size else prefix_extension(sc.point["o"], argmax.vocabulary)
        # K(t) - key(t, o), where K has the next token in place of o
        key = v[acc] * size + size - 1 - index_extension(sc.point["o"])
        best = v[top] * size + size - 1 - extension(following, sc.point["t"])
        return sc.eq(**points) * (m * candidates % P * (best - key) - v[d])

    def chosen(v):
        at = extension(
            [m * eq_index(sc.point["o"], n) for m, n in zip(mask, following)], sc.point["t"]
        )
        return sc.eq(t=points["t"]) * at % P * v[d]

    sc.require(masked)
    sc.require(chosen)
    sc.run(3 if argmax.vocabulary == size else 4)
    point = {"t": sc.point["t"], "o": sc.point["o"]}
    return argmax.x, argmax.weight, point, sc.values[acc]
