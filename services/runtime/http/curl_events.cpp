#include "runtime/http/curl_events.hpp"

#include <curl/curl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>

namespace tocsin::runtime {

struct CurlEvents::Callbacks {
    // `known`: whatever was assigned to the socket when it was added.
    static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void* known) {
        const auto& events = *static_cast<CurlEvents*>(self);
        auto* multi = static_cast<CURLM*>(events.multi_);
        if (what == CURL_POLL_REMOVE) {
            epoll_ctl(events.epoll_, EPOLL_CTL_DEL, socket, nullptr);
            curl_multi_assign(multi, socket, nullptr);
            return 0;
        }
        epoll_event event{};
        if ((what & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
        if ((what & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
        event.data.fd = socket;
        if (epoll_ctl(events.epoll_, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event) != 0)
            return -1;
        curl_multi_assign(multi, socket, self);
        return 0;
    }

    static int on_timer(CURLM*, long wait_ms, void* self) {
        static_cast<CurlEvents*>(self)->due_ =
            wait_ms < 0 ? Clock::time_point::max()
                        : Clock::now() + std::chrono::milliseconds(wait_ms);
        return 0;
    }
};

CurlEvents::CurlEvents(void* multi)
    : multi_(multi),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      woken_by_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      timer_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
    if (epoll_ < 0 || woken_by_ < 0 || timer_ < 0)
        throw std::runtime_error("there is no file descriptor left to wait for requests with");
    for (const int file : {woken_by_, timer_}) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = file;
        epoll_ctl(epoll_, EPOLL_CTL_ADD, file, &event);
    }
    auto* handle = static_cast<CURLM*>(multi);
    curl_multi_setopt(handle, CURLMOPT_SOCKETFUNCTION, &Callbacks::on_socket);
    curl_multi_setopt(handle, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(handle, CURLMOPT_TIMERFUNCTION, &Callbacks::on_timer);
    curl_multi_setopt(handle, CURLMOPT_TIMERDATA, this);
}

CurlEvents::~CurlEvents() {
    for (const int file : {epoll_, woken_by_, timer_}) close(file);
}

void CurlEvents::wake() {
    if (!waking_.exchange(true)) eventfd_write(woken_by_, 1);
}

void CurlEvents::drain(int file) {
    std::uint64_t count = 0;
    if (read(file, &count, sizeof count) < 0) return;
    if (file == timer_) timer_at_ = Clock::time_point::max();
    // From here on another wake() is heard by itself.
    if (file == woken_by_) waking_ = false;
}

static constexpr std::size_t events_at_once = 256;

// How long the wait is, for epoll: the timer has the resolution that its own parameter lacks.
int CurlEvents::wait_for_events(Clock::time_point until) {
    if (until <= Clock::now()) return 0;
    if (until != timer_at_) {
        const auto since = until.time_since_epoch();
        const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
        itimerspec at{};
        at.it_value.tv_sec = seconds.count();
        at.it_value.tv_nsec = std::chrono::nanoseconds(since - seconds).count();
        timerfd_settime(timer_, TFD_TIMER_ABSTIME, &at, nullptr);
        timer_at_ = until;
    }
    return -1;
}

void CurlEvents::wait(Clock::time_point until) {
    auto* multi = static_cast<CURLM*>(multi_);
    int active = 0;
    std::array<epoll_event, events_at_once> ready{};
    const int count =
        epoll_wait(epoll_, ready.data(), ready.size(), wait_for_events(std::min(until, due_)));
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = ready[static_cast<std::size_t>(i)];
        if (event.data.fd == woken_by_ || event.data.fd == timer_) {
            drain(event.data.fd);
            continue;
        }
        int what = 0;
        if ((event.events & EPOLLIN) != 0) what |= CURL_CSELECT_IN;
        if ((event.events & EPOLLOUT) != 0) what |= CURL_CSELECT_OUT;
        if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) what |= CURL_CSELECT_ERR;
        curl_multi_socket_action(multi, event.data.fd, what, &active);
    }
    if (Clock::now() < due_) return;
    due_ = Clock::time_point::max();
    curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &active);
}

}  // namespace tocsin::runtime
