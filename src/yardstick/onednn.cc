#include "yardstick/onednn.h"

#include <fmt/format.h>

#if __has_include(<oneapi/dnnl/dnnl.h>)
#include <oneapi/dnnl/dnnl.h>
#endif

#if defined(DNNL_VERSION_MAJOR) && DNNL_VERSION_MAJOR == 2

#include <dlfcn.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

namespace nacelle::yardstick {
namespace {

// The functions that are used, with the types of the header.
struct Api {
#define NACELLE_DNNL_FUNCTIONS(X)                                                         \
  X(version)                                                                              \
  X(engine_create)                                                                        \
  X(engine_destroy)                                                                       \
  X(stream_create)                                                                        \
  X(stream_destroy)                                                                       \
  X(stream_wait)                                                                          \
  X(memory_desc_init_by_tag) X(memory_create) X(memory_destroy) X(memory_get_data_handle) \
      X(memory_desc_get_size) X(matmul_desc_init) X(reorder_primitive_desc_create)        \
          X(primitive_desc_create) X(primitive_desc_destroy) X(primitive_desc_query_md)   \
              X(primitive_create) X(primitive_destroy) X(primitive_execute)
#define NACELLE_DECLARE(name) decltype(&dnnl_##name) name = nullptr;
  NACELLE_DNNL_FUNCTIONS(NACELLE_DECLARE)
#undef NACELLE_DECLARE
};

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

Status check(dnnl_status_t status, const char* what) {
  if (status == dnnl_success) return {};
  if (status == dnnl_unimplemented) return unimplemented("oneDNN has no {} on this CPU", what);
  return internal("oneDNN: {} failed with status {}", what, static_cast<int>(status));
}

// Owners of the C handles.
template <class Handle>
using Owned = std::shared_ptr<std::remove_pointer_t<Handle>>;

class Library : public OneDnn {
 public:
  Library(void* library, const Api& api, dnnl_engine_t engine, dnnl_stream_t stream)
      : library_(library), api_(api), engine_(engine), stream_(stream) {}
  ~Library() override {
    api_.stream_destroy(stream_);
    api_.engine_destroy(engine_);
    // The library stays open: its threads may still spin in it.
  }

  std::string name() const override {
    const dnnl_version_t* v = api_.version();
    return fmt::format("oneDNN {}.{}.{}", v->major, v->minor, v->patch);
  }

  Result<std::function<void()>> matmul(PeerFormat format, std::size_t m, std::size_t k,
                                       std::size_t n, std::size_t copies) override {
    const bool bf16 = format == PeerFormat::kBF16;
    const dnnl_data_type_t type = bf16 ? dnnl_bf16 : dnnl_s8;
    ASSIGN_OR_RETURN(const auto x_desc, desc(m, k, type, dnnl_ab));
    ASSIGN_OR_RETURN(const auto any_desc, desc(k, n, type, dnnl_format_tag_any));
    ASSIGN_OR_RETURN(const auto plain_desc, desc(k, n, type, dnnl_ab));
    ASSIGN_OR_RETURN(const auto out_desc, desc(m, n, bf16 ? dnnl_f32 : dnnl_s32, dnnl_ab));
    dnnl_matmul_desc_t operation;
    RETURN_IF_ERROR(
        check(api_.matmul_desc_init(&operation, &x_desc, &any_desc, nullptr, &out_desc), "matmul"));
    dnnl_primitive_desc_t made = nullptr;
    RETURN_IF_ERROR(
        check(api_.primitive_desc_create(&made, &operation, nullptr, engine_, nullptr), "matmul"));
    const Owned<dnnl_primitive_desc_t> chosen(made, api_.primitive_desc_destroy);
    ASSIGN_OR_RETURN(const auto product, primitive(chosen.get()));
    const dnnl_memory_desc_t packed_desc =
        *api_.primitive_desc_query_md(chosen.get(), dnnl_query_weights_md, 0);

    ASSIGN_OR_RETURN(const auto x, random_memory(x_desc, bf16));
    ASSIGN_OR_RETURN(const auto out, memory(out_desc));
    ASSIGN_OR_RETURN(const auto plain, random_memory(plain_desc, bf16));
    RETURN_IF_ERROR(check(api_.reorder_primitive_desc_create(&made, &plain_desc, engine_,
                                                             &packed_desc, engine_, nullptr),
                          "reorder"));
    const Owned<dnnl_primitive_desc_t> reorder_desc(made, api_.primitive_desc_destroy);
    ASSIGN_OR_RETURN(const auto reorder, primitive(reorder_desc.get()));
    std::vector<Owned<dnnl_memory_t>> packed;
    for (std::size_t i = 0; i < copies; ++i) {
      ASSIGN_OR_RETURN(auto copy, memory(packed_desc));
      RETURN_IF_ERROR(
          execute(reorder.get(), {{DNNL_ARG_FROM, plain.get()}, {DNNL_ARG_TO, copy.get()}}));
      packed.push_back(std::move(copy));
    }
    return std::function<void()>([this, product, x, out, packed, turn = std::size_t{0}]() mutable {
      const Status done = execute(product.get(), {{DNNL_ARG_SRC, x.get()},
                                                  {DNNL_ARG_WEIGHTS, packed[turn].get()},
                                                  {DNNL_ARG_DST, out.get()}});
      CHECK(done.ok());
      turn = (turn + 1) % packed.size();
    });
  }

 private:
  Result<dnnl_memory_desc_t> desc(std::size_t rows, std::size_t columns, dnnl_data_type_t type,
                                  dnnl_format_tag_t tag) const {
    const dnnl_dims_t dims = {static_cast<dnnl_dim_t>(rows), static_cast<dnnl_dim_t>(columns)};
    dnnl_memory_desc_t made;
    RETURN_IF_ERROR(check(api_.memory_desc_init_by_tag(&made, 2, dims, type, tag), "matrix"));
    return made;
  }

  Result<Owned<dnnl_primitive_t>> primitive(const_dnnl_primitive_desc_t desc) const {
    dnnl_primitive_t made = nullptr;
    RETURN_IF_ERROR(check(api_.primitive_create(&made, desc), "primitive"));
    return Owned<dnnl_primitive_t>(made, api_.primitive_destroy);
  }

  Result<Owned<dnnl_memory_t>> memory(const dnnl_memory_desc_t& desc) const {
    dnnl_memory_t made = nullptr;
    RETURN_IF_ERROR(
        check(api_.memory_create(&made, &desc, engine_, DNNL_MEMORY_ALLOCATE), "memory"));
    return Owned<dnnl_memory_t>(made, api_.memory_destroy);
  }

  // Values of normal size: subnormals and infinities have a pace of their own on some machines.
  Result<Owned<dnnl_memory_t>> random_memory(const dnnl_memory_desc_t& desc, bool bf16) const {
    ASSIGN_OR_RETURN(auto made, memory(desc));
    void* data = nullptr;
    RETURN_IF_ERROR(check(api_.memory_get_data_handle(made.get(), &data), "memory"));
    const std::size_t bytes = api_.memory_desc_get_size(&desc);
    std::uint32_t state = 1;
    const auto next = [&] { return (state = state * 1664525u + 1013904223u) >> 16; };
    if (bf16) {
      auto* out = static_cast<std::uint16_t*>(data);  // sign and mantissa at random, [0.5, 1)
      for (std::size_t i = 0; i < bytes / 2; ++i) {
        out[i] = static_cast<std::uint16_t>((next() & 0x807fu) | 0x3f00u);
      }
    } else {
      auto* out = static_cast<std::uint8_t*>(data);
      for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<std::uint8_t>(next());
    }
    return made;
  }

  Status execute(const_dnnl_primitive_t primitive,
                 std::initializer_list<dnnl_exec_arg_t> arguments) const {
    RETURN_IF_ERROR(
        check(api_.primitive_execute(primitive, stream_, static_cast<int>(arguments.size()),
                                     arguments.begin()),
              "execute"));
    return check(api_.stream_wait(stream_), "wait");
  }

  void* library_;
  const Api api_;
  dnnl_engine_t engine_;
  dnnl_stream_t stream_;
};

}  // namespace

Result<std::unique_ptr<OneDnn>> OneDnn::open(std::size_t threads) {
  // Its OpenMP threads otherwise spin for milliseconds after a product and take the cores from
  // what is measured next. Read when the library is loaded.
  ::setenv("GOMP_SPINCOUNT", "20000", 0);
  void* library = ::dlopen("libdnnl.so.2", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return not_found("oneDNN: not installed (apt install libdnnl2)");
  Api api;
  bool complete = true;
#define NACELLE_FIND(name) complete = find(library, "dnnl_" #name, api.name) && complete;
  NACELLE_DNNL_FUNCTIONS(NACELLE_FIND)
#undef NACELLE_FIND
  if (!complete) return unimplemented("oneDNN: libdnnl.so.2 lacks functions of version 2.6");
  void (*set_threads)(int) = nullptr;
  if (find(library, "omp_set_num_threads", set_threads)) {
    set_threads(static_cast<int>(threads));
  } else if (threads != 1) {
    return unimplemented("oneDNN: built without OpenMP, so its threads cannot be set to {}",
                         threads);
  }
  dnnl_engine_t engine = nullptr;
  RETURN_IF_ERROR(check(api.engine_create(&engine, dnnl_cpu, 0), "CPU engine"));
  dnnl_stream_t stream = nullptr;
  if (const Status made =
          check(api.stream_create(&stream, engine, dnnl_stream_default_flags), "stream");
      !made.ok()) {
    api.engine_destroy(engine);
    return made;
  }
  return std::unique_ptr<OneDnn>(std::make_unique<Library>(library, api, engine, stream));
}

}  // namespace nacelle::yardstick

#else  // headers of another version, or none

namespace nacelle::yardstick {

Result<std::unique_ptr<OneDnn>> OneDnn::open(std::size_t) {
  return unimplemented("oneDNN: this build had no headers of version 2 (apt install libdnnl-dev)");
}

}  // namespace nacelle::yardstick

#endif
