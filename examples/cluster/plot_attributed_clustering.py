"""
Do attributes help to find communities?
=======================================

The members of a network often come with attributes: an office, a school, a year.
Where edges alone say little about the communities, attributes can help, if they are
given the right weight. Given too much, they replace the communities.
"""

# %%
# Four communities, many edges between them, and an unsafe attribute
# ------------------------------------------------------------------
# Between two members of different communities an edge is a quarter as likely as
# within one. The attribute names the community, but for 40 % of the members it is
# drawn at random.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import adjusted_rand_score

from sklearn_manifold_reg.cluster import AttributedSpectralClustering


def draw_network(rng, ratio=0.25, n_members=300, n_communities=4, degree=12):
    """Draw an adjacency, an attribute and the communities."""
    community = np.arange(n_members) % n_communities
    same = community[:, None] == community
    size = n_members / n_communities
    inside = degree / (size * (1 + (n_communities - 1) * ratio))
    draws = rng.random((n_members, n_members))
    upper = np.triu(draws < np.where(same, inside, ratio * inside), 1)
    attribute = community.copy()
    unsafe = rng.random(n_members) < 0.4
    attribute[unsafe] = rng.integers(n_communities, size=np.sum(unsafe))
    return (upper | upper.T).astype(float), attribute, community


# %%
# The weight of attributes in distances
# -------------------------------------
# At weight 0 attributes act through the edges to their nodes only. At weight 1 the
# clusters are nearly the values of the attribute.
weights = [0.0, 0.03, 0.1, 0.3, 1.0]
networks = [draw_network(np.random.default_rng(seed)) for seed in range(3)]


def mean_score(attributed=True, **parameters):
    """Agree with the communities, averaged over networks; 1 is all of them."""
    scores = []
    for adjacency, attribute, community in networks:
        model = AttributedSpectralClustering(
            4, "precomputed", random_state=0, **parameters
        )
        model.fit(adjacency, attributes=attribute if attributed else None)
        scores.append(adjusted_rand_score(community, model.labels_))
    return np.mean(scores)


embeddings = ("eigen", "bootstrap_amg")
scores = {
    embedding: [
        mean_score(embedding=embedding, attribute_weight=weight) for weight in weights
    ]
    for embedding in embeddings
}
alone = {e: mean_score(attributed=False, embedding=e) for e in embeddings}
attribute_only = np.mean([adjusted_rand_score(y, a) for _, a, y in networks])
for embedding in embeddings:
    print(f"{embedding}: edges alone {alone[embedding]:.2f}, ", end="")
    print("with attributes", np.round(scores[embedding], 2))
print(f"attribute alone: {attribute_only:.2f}")

# %%
# Edges and attributes together find what neither finds alone, over a wide range of
# weights.
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for k, embedding in enumerate(embeddings):
    axes.plot(range(5), scores[embedding], f"C{k}o-", label=f"{embedding}, both")
    axes.axhline(
        alone[embedding],
        color=f"C{k}",
        linestyle=":",
        label=f"{embedding}, edges alone",
    )
axes.axhline(attribute_only, color="black", linestyle="--", label="attribute alone")
axes.set_xticks(range(5), weights)
axes.set(
    xlabel="attribute_weight",
    ylabel="adjusted Rand index with the communities",
    ylim=(0, 1),
)
axes.legend()
plt.show()
