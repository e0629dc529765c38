"""The unit that is a whole model.

docs/protocol.md, sections 1, 5, 6 and 10.
"""

from components import Argmax, prove_argmax
from field import log2_ceil
from hashes import domain, hash_text
from layers import Layers, Relations, angles, require_zero_padding, table
from session import Refused
from units import BadConfig, Unit, bind_to_root, canonical, entries, hash_tokens, prove_embedding

MODEL_VERSION = 4


def read_tokens(session, capacity, vocabulary, input_hash, output_hash):
    """The hints of section 5: ids, and the mask of positions whose next token is an output."""
    ids, inputs, active = (session.hint(capacity, f"tokens: {what}") for what in ("ids", "input flags", "active flags"))
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


# Options of the architecture that this verifier knows; every other key must be a size.
KNOWN = {
    "vocabSize", "hiddenSize", "layers", "heads", "qLora", "kvLora", "nope", "rope", "vDim", "denseInner",
    "expertInner", "experts", "groups", "topkGroup", "topk", "sharedExperts", "firstDense", "eps", "ropeTheta",
    "normTopk", "routedScaling", "bos", "eos", "maxPositions", "yarn", "longAttention",
}  # fmt: skip


def check_options(config):
    if unknown := set(config) - KNOWN:
        raise BadConfig(f"the model's configuration has options that are not covered: {', '.join(sorted(unknown))}")
    if config["layers"] > config["firstDense"] and config["normTopk"] is not True:
        raise BadConfig("routers whose weights are not normalised are not covered")


class ModelUnit(Unit):
    FIELDS = ["modelRoot", "vocabularyRoot", "inputHash", "outputHash"]

    def __init__(self, config, capacity, numbers):
        super().__init__()
        self.config, self.capacity = config, capacity
        b = self.builder
        check_options(config)
        exp, sigmoid = table(b, "exp", 1), table(b, "sigmoid", 2)
        self.tables = [exp, sigmoid]
        self.t = ("t", log2_ceil(capacity))
        hidden = ("i", log2_ceil(config["hiddenSize"]))
        cos, sin = angles(b, config, self.t)
        self.layer_relations = Relations()
        layers = Layers(b, config, self.t, self.layer_relations, exp, sigmoid, cos, sin)
        self.x = b.free("embedding.x", [self.t, hidden])
        x = self.x
        for l in range(config["layers"]):
            x = layers.layer(f"layers.{l}.", x, l >= config["firstDense"])
        normed = layers.norm("final_norm", x, config["hiddenSize"], config["eps"])
        vocabulary, width = config["vocabSize"], config["hiddenSize"]
        head = layers.weight("head", ("o", (1, vocabulary)), ("i", (1, width)))
        self.argmax = Argmax(b, "head", normed, head, vocabulary)
        self.weights = layers.weights
        self.reads = (1, capacity, width, log2_ceil(vocabulary))
        self.range_and_place(numbers)
        text = canonical(
            ["attensor", MODEL_VERSION, numbers.log_size, numbers.log_inv_rate, numbers.hashing_log_inv_rate, entries(config)]
        )
        self.hash = hash_text("attensor-config-1", text)
        self.description = f"a model with configHash {self.hash}, capacity {capacity}"

    def begin(self, session, claims, statement):
        model_root, self.vocabulary_root, input_hash, output_hash = statement
        session.absorb([self.hash, *statement])
        (witness,) = session.send(1, "witness: root")
        (parameters,) = session.hint(1, "parameters: root")
        sample = bind_to_root(session, claims, "parameters", (domain("attensor-model-1"), self.hash), parameters, model_root)
        x = session.challenge()
        (value,) = session.send(1, "witness: out-of-domain value")
        vocabulary = self.config["vocabSize"]
        self.tokens, self.mask = read_tokens(session, self.capacity, vocabulary, input_hash, output_hash)
        return [("power", "witness", x, value), sample], {"witness": witness, "parameters": parameters}

    def relations(self, session, claims):
        prove_embedding(session, claims, self, self.x, self.capacity)
        head = prove_argmax(session, claims, self.argmax, self.tokens, self.mask)
        require_zero_padding(session, claims, self.weights)
        self.layer_relations.prove(session, claims, head)
