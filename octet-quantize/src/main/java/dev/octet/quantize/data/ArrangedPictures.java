package dev.octet.quantize.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Pictures of other sets, in an order of their own. */
final class ArrangedPictures implements Pictures {

  private record Place(Pictures set, int index) {}

  private final List<Place> places;
  private final Preprocessing preprocessing;

  private ArrangedPictures(List<Place> places, Preprocessing preprocessing) {
    this.places = places;
    this.preprocessing = preprocessing;
  }

  /** Several sets one after the other; empty if one of them holds no pictures. */
  static Optional<Pictures> joined(List<Samples> parts) {
    List<Place> places = new ArrayList<>();
    Optional<Pictures> set = Optional.empty();
    for (Samples part : parts) {
      set = part.pictures();
      if (set.isEmpty()) {
        return Optional.empty();
      }
      for (int i = 0; i < set.get().size(); i++) {
        places.add(new Place(set.get(), i));
      }
    }
    return set.map(last -> new ArrangedPictures(places, last.preprocessing()));
  }

  /** Every {@code step}-th of a set, from one on, up to a count. */
  static Pictures selected(Pictures all, long from, long step, long count) {
    List<Place> places = new ArrayList<>();
    for (long at = from; at < all.size() && places.size() < count; at += step) {
      places.add(new Place(all, (int) at));
    }
    return new ArrangedPictures(places, all.preprocessing());
  }

  @Override
  public int size() {
    return places.size();
  }

  @Override
  public Picture get(int index) {
    Place place = places.get(index);
    return place.set().get(place.index());
  }

  @Override
  public OptionalInt label(int index) {
    Place place = places.get(index);
    return place.set().label(place.index());
  }

  @Override
  public String origin(int index) {
    Place place = places.get(index);
    return place.set().origin(place.index());
  }

  @Override
  public boolean areDecodedOnDemand() {
    return places.stream().anyMatch(place -> place.set().areDecodedOnDemand());
  }

  @Override
  public Preprocessing preprocessing() {
    return preprocessing;
  }
}
