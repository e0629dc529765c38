#include "element_wise.h"

#include <algorithm>

namespace model {

void Add(const std::vector<Ints>& terms, size_t width, OutInts y) {
  for (size_t i = 0; i < y.size(); i++) {
    int128 sum = 0;
    for (const Ints& term : terms) sum += term[i];
    y[i] = CheckInt32(sum, i / width, i % width);
  }
}

void Multiply(Ints a, Ints b, size_t width, OutInts y) {
  for (size_t i = 0; i < y.size(); i++) {
    y[i] = CheckInt32((static_cast<int128>(a[i]) * b[i]) >> 16, i / width, i % width);
  }
}

void ScaleRows(Ints x, Ints w, size_t width, OutInts y) {
  for (size_t i = 0; i < y.size(); i++) {
    y[i] = CheckInt32((static_cast<int128>(x[i]) * w[i / width]) >> 16, i / width, i % width);
  }
}

void Sigmoid(Ints x, Weights table, OutInts c, OutInts sigma) {
  for (size_t i = 0; i < x.size(); i++) {
    c[i] = std::clamp<int64_t>((x[i] >> 5) + 32768, 0, 65535);
    sigma[i] = table[static_cast<size_t>(c[i])];
  }
}

}  // namespace model
