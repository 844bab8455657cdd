# Antennas are repaired on global routes that may lack a track here and there, as global route itself may leave them:
# the detailed router finds those among the tracks that layer_adjustment leaves alone.
grt::set_allow_congestion 1
